/* An epoch that comes in from the peer: kept aside until it is whole, then made the standby's state, or dropped (I2). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/stage/stage.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replication/encode/decode.h"

struct kept {
	struct kept *next;
	struct frame frame; /* body: below */
	uint8_t body[];
};

struct stage {
	struct stage_limits limits;
	uint64_t epoch;
	bool is_base, is_whole;
	uint64_t digest, frames, pages, disk_writes, bytes;
	struct kept *first, **last;
	struct {
		uint32_t size, total;
	} states[WIRE_STATE_KINDS];
};

struct stage *stage_new(const struct stage_limits *limits, const struct frame *begin, bool is_base)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return NULL;
	stage->limits = *limits;
	stage->epoch = begin->epoch;
	stage->is_base = is_base;
	stage->digest = wire_digest_add(0, begin->sum);
	stage->frames = 1;
	stage->last = &stage->first;
	return stage;
}

void stage_free(struct stage *stage)
{
	struct kept *kept, *next;

	if (!stage)
		return;
	for (kept = stage->first; kept; kept = next) {
		next = kept->next;
		free(kept);
	}
	free(stage);
}

uint64_t stage_epoch(const struct stage *stage)
{
	return stage->epoch;
}

uint64_t stage_bytes(const struct stage *stage)
{
	return stage->bytes;
}

/* --- what can be checked on arrival --- */

static int check_pages(struct stage *stage, const struct frame *frame, const char **why)
{
	struct page_batch batch;
	int err = pages_parse(frame->body, frame->size, stage->limits.memory_pages,
	                      stage->limits.codecs, &batch, why);

	if (err)
		return err;
	*why = "a page that cannot be decoded";
	err = decode_check(&batch);
	if (!err)
		stage->pages += batch.count;
	return err;
}

static int check_state(struct stage *stage, const struct frame *frame, const char **why)
{
	struct state_piece piece;
	int err = body_parse_state(frame, &piece, why);

	if (err)
		return err;
	*why = "pieces of state that do not fit each other";
	if (piece.offset != stage->states[piece.kind].size ||
	    (piece.offset && piece.total != stage->states[piece.kind].total))
		return -EPROTO;
	stage->states[piece.kind].total = piece.total;
	stage->states[piece.kind].size += piece.size;
	return 0;
}

static int check_writes(struct stage *stage, const struct frame *frame, const char **why)
{
	uint32_t count;
	int err = disk_check(frame, &stage->limits.disks, &count, why);

	if (!err)
		stage->disk_writes += count;
	return err;
}

static int check(struct stage *stage, const struct frame *frame, const char **why)
{
	switch (frame->type) {
	case WIRE_PAGES:
		return check_pages(stage, frame, why);
	case WIRE_STATE:
		return check_state(stage, frame, why);
	case WIRE_DISK_WRITE:
	case WIRE_DISK_SYNC:
		return check_writes(stage, frame, why);
	default:
		*why = "a frame that is no part of an epoch";
		return -EPROTO;
	}
}

/* --- what a frame does --- */

static int apply_pages(const struct stage *stage, const struct frame *frame, struct sink *sink)
{
	static uint8_t contents[WIRE_PAGES_MAX]
			       [WIRE_PAGE_SIZE]; /* one commit at a time in a process */
	struct sink_page pages[WIRE_PAGES_MAX];
	struct page_batch batch;
	const char *why;
	int err = pages_parse(frame->body, frame->size, stage->limits.memory_pages,
	                      stage->limits.codecs, &batch, &why);

	for (uint32_t i = 0; !err && i < batch.count; i++) {
		int result;

		pages[i].gfn = page_entry_gfn(batch.entry[i]);
		if (decode_needs_old(batch.entry[i]))
			err = sink->ops->read(sink, pages[i].gfn, contents[i]);
		result = err ? err : decode_page(&batch, i, contents[i]);
		pages[i].contents = result == 0 ? contents[i] : NULL;
		err = result < 0 ? result : 0;
	}
	return err ? err : sink->ops->apply(sink, pages, batch.count);
}

static int apply_writes(const struct frame *frame, struct sink *sink)
{
	struct disk_write write;
	uint32_t offset = 0;
	int err = 0;

	while (!err && disk_next(frame->body, frame->size, &offset, &write))
		err = sink->ops->write(sink, &write);
	return err;
}

static bool is_disk(const struct frame *frame)
{
	return frame->type == WIRE_DISK_WRITE || frame->type == WIRE_DISK_SYNC;
}

static int apply_now(const struct stage *stage, const struct frame *frame, struct sink *sink,
                     enum wire_nack *reason, const char **why)
{
	int err = is_disk(frame) ? apply_writes(frame, sink) : apply_pages(stage, frame, sink);

	*reason = is_disk(frame) ? WIRE_NACK_DISK : WIRE_NACK_DOMAIN;
	*why = "it cannot be applied here";
	return err;
}

static int keep(struct stage *stage, const struct frame *frame, enum wire_nack *reason,
                const char **why)
{
	uint64_t bytes = sizeof(struct kept) + frame->size;
	struct kept *kept;

	*reason = WIRE_NACK_TOO_LARGE;
	*why = "more than is staged here";
	if (bytes > stage->limits.bytes - stage->bytes)
		return -E2BIG;
	kept = malloc(bytes);
	if (!kept)
		return -ENOMEM;
	kept->next = NULL;
	kept->frame = *frame;
	kept->frame.body = kept->body;
	memcpy(kept->body, frame->body, frame->size);
	*stage->last = kept;
	stage->last = &kept->next;
	stage->bytes += bytes;
	return 0;
}

int stage_add(struct stage *stage, const struct frame *frame, struct sink *sink,
              enum wire_nack *reason, const char **why)
{
	int err;

	assert(!stage->is_whole);
	*reason = WIRE_NACK_CONTENTS;
	err = check(stage, frame, why);
	if (err)
		return err;
	stage->digest = wire_digest_add(stage->digest, frame->sum);
	stage->frames++;
	if (stage->is_base && frame->type != WIRE_STATE)
		return apply_now(stage, frame, sink, reason, why);
	return keep(stage, frame, reason, why);
}

static bool has_whole_states(const struct stage *stage)
{
	for (unsigned int i = 0; i < WIRE_STATE_KINDS; i++) {
		if (stage->states[i].size != stage->states[i].total)
			return false;
	}
	return stage->is_base || stage->states[WIRE_STATE_DOMAIN].total;
}

int stage_end(struct stage *stage, const struct wire_end *end, enum wire_nack *reason,
              const char **why)
{
	*reason = WIRE_NACK_DIGEST;
	*why = "not what was sent";
	if (end->digest != stage->digest || end->frames != stage->frames ||
	    end->pages != stage->pages || end->disk_writes != stage->disk_writes)
		return -EBADMSG;
	*reason = WIRE_NACK_CONTENTS;
	*why = "an epoch without its state";
	if (!has_whole_states(stage))
		return -EBADMSG;
	stage->is_whole = true;
	return 0;
}

/* --- commit --- */

static int commit_kind(struct stage *stage, struct sink *sink, enum wire_state_kind kind)
{
	uint32_t total = stage->states[kind].total;
	uint8_t *bytes;
	int err;

	if (!total)
		return 0;
	bytes = malloc(total);
	if (!bytes)
		return -ENOMEM;
	for (const struct kept *kept = stage->first; kept; kept = kept->next) {
		struct state_piece piece;
		const char *why;

		if (kept->frame.type == WIRE_STATE &&
		    body_parse_state(&kept->frame, &piece, &why) == 0 && piece.kind == kind)
			memcpy(bytes + piece.offset, piece.bytes, piece.size);
	}
	err = sink->ops->state(sink, kind, bytes, total);
	free(bytes);
	return err;
}

static int commit_disks(struct stage *stage, struct sink *sink)
{
	int err = 0;

	for (const struct kept *kept = stage->first; kept && !err; kept = kept->next) {
		if (is_disk(&kept->frame))
			err = apply_writes(&kept->frame, sink);
	}
	if (!err && stage->disk_writes)
		err = sink->ops->flush(sink);
	return err;
}

int stage_commit(struct stage *stage, struct sink *sink)
{
	int err = commit_disks(stage, sink);

	assert(stage->is_whole);
	for (const struct kept *kept = stage->first; kept && !err; kept = kept->next) {
		if (kept->frame.type == WIRE_PAGES)
			err = apply_pages(stage, &kept->frame, sink);
	}
	for (unsigned int kind = 1; kind < WIRE_STATE_KINDS && !err; kind++)
		err = commit_kind(stage, sink, (enum wire_state_kind)kind);
	return err;
}
