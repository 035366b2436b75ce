/* Bodies of fixed size, and reasons in words: checked on arrival, one function each. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "replication/wire/body.h"

static int refuse(const char **why, const char *reason)
{
	*why = reason;
	return -EPROTO;
}

static int copy_fixed(const struct frame *frame, void *body, uint32_t size, const char **why)
{
	if (frame->size != size)
		return refuse(why, "a body of the wrong size");
	memcpy(body, frame->body, size);
	return 0;
}

int body_parse_begin(const struct frame *frame, struct wire_begin *begin, const char **why)
{
	int err = copy_fixed(frame, begin, sizeof(*begin), why);

	if (err)
		return err;
	if ((begin->flags & ~WIRE_BEGIN_BASE) || begin->reserved)
		return refuse(why, "an epoch with unknown flags");
	if (begin->base && begin->base >= frame->epoch)
		return refuse(why, "an epoch built on a later one");
	if (!(begin->flags & WIRE_BEGIN_BASE) && begin->pairing)
		return refuse(why, "a pairing without a base");
	if ((begin->flags & WIRE_BEGIN_BASE) && begin->base)
		return refuse(why, "a base built on an epoch");
	return 0;
}

int body_parse_marks(const struct frame *frame, struct marks_piece *piece, const char **why)
{
	struct wire_marks head;

	if (frame->size < sizeof(head))
		return refuse(why, "a body of the wrong size");
	memcpy(&head, frame->body, sizeof(head));
	if (head.disk >= WIRE_DISKS_MAX)
		return refuse(why, "marks of a disk that cannot be");
	if (head.size > WIRE_MARKS_BYTES_MAX || head.size != frame->size - sizeof(head))
		return refuse(why, "marks of the wrong size");
	*piece = (struct marks_piece){ .disk = head.disk,
		                       .size = head.size,
		                       .bits = frame->body + sizeof(head) };
	return 0;
}

int body_parse_end(const struct frame *frame, struct wire_end *end, const char **why)
{
	return copy_fixed(frame, end, sizeof(*end), why);
}

int body_parse_progress(const struct frame *frame, struct wire_progress *progress, const char **why)
{
	int err = copy_fixed(frame, progress, sizeof(*progress), why);

	if (err)
		return err;
	if (progress->phase < WIRE_PHASE_MEMORY || progress->phase > WIRE_PHASE_DONE)
		return refuse(why, "progress of an unknown phase");
	if (progress->disk >= WIRE_DISKS_MAX)
		return refuse(why, "progress of a disk that cannot be");
	if (progress->done > progress->total)
		return refuse(why, "progress beyond its end");
	return 0;
}

int body_parse_ack(const struct frame *frame, struct wire_ack *ack, const char **why)
{
	int err = copy_fixed(frame, ack, sizeof(*ack), why);

	if (err)
		return err;
	return ack->committed > frame->epoch ? refuse(why, "more committed than acknowledged") : 0;
}

int body_parse_keepalive(const struct frame *frame, struct wire_keepalive *keepalive,
                         const char **why)
{
	return copy_fixed(frame, keepalive, sizeof(*keepalive), why);
}

int body_parse_beat(const struct frame *frame, struct wire_beat *beat, const char **why)
{
	int err = copy_fixed(frame, beat, sizeof(*beat), why);

	if (err)
		return err;
	if (beat->generation > WIRE_BEAT_MAX || beat->round > WIRE_BEAT_MAX ||
	    beat->number > WIRE_BEAT_MAX || beat->heard > WIRE_BEAT_MAX)
		return refuse(why, "a beat with numbers that cannot be");
	return 0;
}

static void copy_text(char *text, const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		text[i] = bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '?';
	text[size] = 0;
}

int body_parse_reason(const struct frame *frame, struct reason *reason, const char **why)
{
	uint32_t last = frame->type == WIRE_NACK ? WIRE_NACKS : WIRE_BYES;
	struct wire_reason head;

	if (frame->size < sizeof(head))
		return refuse(why, "a body of the wrong size");
	memcpy(&head, frame->body, sizeof(head));
	if (head.size > WIRE_TEXT_MAX || frame->size != sizeof(head) + head.size)
		return refuse(why, "a body of the wrong size");
	if (head.reason == 0 || head.reason >= last)
		return refuse(why, "an unknown reason");
	reason->reason = head.reason;
	copy_text(reason->text, frame->body + sizeof(head), head.size);
	return 0;
}

uint32_t body_make_reason(struct reason_body *body, uint32_t reason, const char *text)
{
	size_t size = strlen(text);

	body->head.reason = reason;
	body->head.size = size < WIRE_TEXT_MAX ? (uint32_t)size : WIRE_TEXT_MAX;
	memcpy(body->text, text, body->head.size);
	return (uint32_t)sizeof(body->head) + body->head.size;
}

int body_parse_state(const struct frame *frame, struct state_piece *piece, const char **why)
{
	struct wire_state head;

	if (frame->size < sizeof(head))
		return refuse(why, "a body of the wrong size");
	memcpy(&head, frame->body, sizeof(head));
	if (head.kind == 0 || head.kind >= WIRE_STATE_KINDS || head.reserved)
		return refuse(why, "state of an unknown kind");
	piece->size = frame->size - (uint32_t)sizeof(head);
	if (head.total > WIRE_STATE_MAX || head.offset > head.total ||
	    piece->size > head.total - head.offset)
		return refuse(why, "state beyond its end");
	if (piece->size == 0 && head.total)
		return refuse(why, "an empty piece of state");
	piece->kind = head.kind;
	piece->offset = head.offset;
	piece->total = head.total;
	piece->bytes = frame->body + sizeof(head);
	return 0;
}

const char *nack_name(uint32_t reason)
{
	static const char *const names[WIRE_NACKS] = {
		[WIRE_NACK_DIGEST] = "digest",       [WIRE_NACK_ORDER] = "order",
		[WIRE_NACK_TOO_LARGE] = "too large", [WIRE_NACK_CONTENTS] = "contents",
		[WIRE_NACK_DISK] = "disk",           [WIRE_NACK_DOMAIN] = "domain",
	};

	return reason && reason < WIRE_NACKS ? names[reason] : "unknown";
}

const char *bye_name(uint32_t reason)
{
	static const char *const names[WIRE_BYES] = {
		[WIRE_BYE_STOPPING] = "stopping", [WIRE_BYE_VERSION] = "version",
		[WIRE_BYE_WRONG_VM] = "wrong VM", [WIRE_BYE_GENERATION] = "generation",
		[WIRE_BYE_PROTOCOL] = "protocol", [WIRE_BYE_UNPROTECT] = "unprotect",
		[WIRE_BYE_BUSY] = "busy",         [WIRE_BYE_ACTIVE] = "active",
	};

	return reason && reason < WIRE_BYES ? names[reason] : "unknown";
}
