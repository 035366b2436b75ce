/* A batch of dirty pages becomes the body of a frame: each page in the cheapest way the peer can read. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ENCODE_ENCODE_H
#define REPLICATION_ENCODE_ENCODE_H

#include "replication/wire/wire.h"

/* Room that a body needs at worst: every page whole. */
#define ENCODE_BODY_MAX                                                                            \
	(sizeof(struct wire_pages) + WIRE_PAGES_MAX * (sizeof(uint64_t) + WIRE_PAGE_SIZE))
_Static_assert(ENCODE_BODY_MAX <= WIRE_BODY_MAX, "a batch of whole pages fits a frame");

struct encode_page {
	uint64_t gfn;
	const uint8_t *contents; /* 4096 bytes; NULL: the VM has no page there */
	const uint8_t *old;      /* what the standby has there; NULL: not known */
};

/* What became of the pages, added up. */
struct encode_counts {
	uint64_t pages[WIRE_PAGE_HOWS];
	uint64_t unchanged; /* not sent */
	uint64_t bytes;     /* of bodies */
};

/* What encoding needs besides its input; one a thread. */
struct encoder;

/* codecs: WIRE_CODEC_* that the peer reads. NULL: no memory. */
struct encoder *encoder_new(uint32_t codecs);
void encoder_free(struct encoder *encoder);

/* Encodes count pages, at most WIRE_PAGES_MAX, into body, of ENCODE_BODY_MAX bytes. Returns the body's size; 0: no page
 * has changed, and nothing is to be sent. */
uint32_t encode_batch(struct encoder *encoder, const struct encode_page *pages, uint32_t count,
                      uint8_t *body, struct encode_counts *counts);

#endif
