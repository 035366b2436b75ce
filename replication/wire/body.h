/* Bodies of fixed size, and reasons in words: checked on arrival, one function each. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Each parse function returns 0, or -EPROTO with *why set to a constant: the peer is broken or hostile, and nothing more
 * is taken from it.
 */

#ifndef REPLICATION_WIRE_BODY_H
#define REPLICATION_WIRE_BODY_H

#include "replication/wire/frame.h"

int body_parse_begin(const struct frame *frame, struct wire_begin *begin, const char **why);
int body_parse_end(const struct frame *frame, struct wire_end *end, const char **why);
int body_parse_progress(const struct frame *frame, struct wire_progress *progress,
                        const char **why);
int body_parse_ack(const struct frame *frame, struct wire_ack *ack, const char **why);
int body_parse_keepalive(const struct frame *frame, struct wire_keepalive *keepalive,
                         const char **why);

int body_parse_beat(const struct frame *frame, struct wire_beat *beat, const char **why);

/* bits lie in the frame, anyhow aligned. Whether they are as many as the disk has, its taker checks. */
struct marks_piece {
	uint32_t disk, size;
	const uint8_t *bits;
};
int body_parse_marks(const struct frame *frame, struct marks_piece *piece, const char **why);

/* Of NACK and BYE. text is the peer's, with what cannot be printed replaced; safe to log. */
struct reason {
	uint32_t reason;
	char text[WIRE_TEXT_MAX + 1];
};
int body_parse_reason(const struct frame *frame, struct reason *reason, const char **why);

/* The body of NACK or BYE: returns its bytes. A text that is too long is cut. */
struct reason_body {
	struct wire_reason head;
	char text[WIRE_TEXT_MAX];
};
uint32_t body_make_reason(struct reason_body *body, uint32_t reason, const char *text);

/* A piece of state; bytes lie in the frame. Whether pieces follow each other without gaps, its taker checks. */
struct state_piece {
	enum wire_state_kind kind;
	uint32_t offset, total;
	const uint8_t *bytes;
	uint32_t size;
};
int body_parse_state(const struct frame *frame, struct state_piece *piece, const char **why);

/* "digest" and so on, for logs. */
const char *nack_name(uint32_t reason);
const char *bye_name(uint32_t reason);

#endif
