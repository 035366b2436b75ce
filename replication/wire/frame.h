/* Frames: a header and a body; making one, checking one, and cutting them out of a stream of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_WIRE_FRAME_H
#define REPLICATION_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replication/wire/wire.h"

/* A frame that was received and checked, as the reader hands it out. body lies in the reader's memory. */
struct frame {
	enum wire_type type;
	uint64_t generation, epoch;
	uint64_t sum;
	const uint8_t *body;
	uint32_t size;
};

/* "pages" and so on, for logs. */
const char *frame_type_name(enum wire_type type);

/* Fills the header that goes before that body. */
void frame_seal(struct wire_header *header, enum wire_type type, uint32_t sequence,
                uint64_t generation, uint64_t epoch, const void *body, uint32_t size);

/* The digest of an epoch begins at 0 and takes in the sum of each of its frames, in order. */
uint64_t wire_digest_add(uint64_t digest, uint64_t sum);

/*
 * Bytes come in as they arrive, frames go out. Memory is bounded: two frames of the greatest size that is taken.
 *
 *	uint8_t *room = frame_reader_room(reader, &size);    receive up to size bytes there
 *	frame_reader_filled(reader, received);
 *	while ((err = frame_reader_next(reader, &frame, &why)) > 0)
 *		use frame, valid until the next call on the reader
 */
struct frame_reader;

/* body_max: bytes of the largest body taken, at most WIRE_BODY_MAX. NULL: no memory. */
struct frame_reader *frame_reader_new(uint32_t body_max);
void frame_reader_free(struct frame_reader *reader);

uint8_t *frame_reader_room(struct frame_reader *reader, size_t *size);
void frame_reader_filled(struct frame_reader *reader, size_t size);

/*
 * 1: a frame. 0: more bytes are needed. -EPROTO: this cannot come from a peer that speaks our language.
 * -EBADMSG: the sum is wrong: it was changed on its way. -EPROTONOSUPPORT: a version that is not ours (a HELLO or BYE
 * of any version passes). After an error the stream cannot be trusted: the same error comes again. *why, if an error,
 * is a constant.
 */
int frame_reader_next(struct frame_reader *reader, struct frame *frame, const char **why);

/* Whether the stream may end here: no frame has begun. */
bool frame_reader_is_between(const struct frame_reader *reader);

#endif
