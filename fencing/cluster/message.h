/* What goes through the group: words, and echoes that a host sends itself. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_MESSAGE_H
#define FENCING_CLUSTER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "fencing/cluster/cluster.h"

/*
 * One size for all, little endian. Every host of the group gets each message; `to` names the one that it is for. A
 * version that is not known is refused: hosts of different versions do not hear each other.
 */
#define MESSAGE_MAGIC   0x64576d52u /* "RmWd" */
#define MESSAGE_VERSION 2

enum message_kind {
	MESSAGE_WORD = 1,
	MESSAGE_ECHO = 2, /* to oneself: when it comes back the membership is as it was told */
};

struct message {
	uint32_t magic;
	uint16_t version;
	uint16_t kind;
	uint32_t size; /* of this structure */
	uint32_t to;
	uint8_t vm[16];
	uint32_t situation;
	uint32_t is_asking; /* 0 or 1 */
	uint64_t generation, round;
	uint64_t lease, enforcement, window;
	uint32_t peer;
	uint32_t reserved; /* 0 */
	uint64_t sent_at;  /* of an echo; 0 in words */
};
_Static_assert(sizeof(struct message) == 96, "the message's layout");

void message_word(struct message *message, uint32_t to, const struct cluster_word *word);
void message_echo(struct message *message, uint32_t to, uint64_t sent_at);

/* Foreign bytes to a message of which all fields have been checked, and are copied. 0; -EBADMSG: not one;
 * -EPROTONOSUPPORT: of another version. */
int message_read(struct message *message, const void *bytes, size_t size);

/* Of a checked MESSAGE_WORD. */
void message_to_word(const struct message *message, struct cluster_word *word);

#endif
