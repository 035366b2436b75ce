/* The first frame of each side: who it is, what it speaks, what it takes, and where it stands. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_WIRE_HELLO_H
#define REPLICATION_WIRE_HELLO_H

#include <stdbool.h>

#include "replication/wire/frame.h"

/* What the two agreed on. */
struct agreement {
	uint32_t version;
	uint32_t codecs;
	uint32_t body_max;     /* that we may send */
	uint64_t staged_max;   /* bytes of an epoch that the standby stages */
	uint64_t memory_pages; /* gfns lie below */
	bool is_same_series; /* both stand in the same row of epochs: what is missing may be enough */
	uint64_t their_last; /* epoch, of that row */
};

/* Why a peer is not talked to; goes into a BYE. */
struct refusal {
	enum wire_bye reason;
	char text[WIRE_TEXT_MAX];
};

/* Ours, but for what is filled in by the caller: role, memory_pages, staged_max, generation, series, last_epoch, vm, name,
 * host, disks. */
void hello_init(struct wire_hello *hello);

/* 0, or -EPROTO with *why set. A hello of which only the versions can be told passes: hello_agree() refuses it. */
int hello_parse(const struct frame *frame, struct wire_hello *hello, const char **why);

/* 0, or -EPROTO: say the refusal to the peer and log it. */
int hello_agree(const struct wire_hello *mine, const struct wire_hello *theirs,
                struct agreement *agreement, struct refusal *refusal);

#endif
