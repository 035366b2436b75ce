/* A bounded log of records in shared memory: written by one process, read by others, outliving all of them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hold/record_log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define MAGIC UINT64_C(0x31676f6c736d6572) /* "remslog1" */

/* Fills what is left before the memory's end when a record would not fit there in one piece. */
#define KIND_PAD 0u
#define UNIT     8u

_Static_assert(sizeof(struct record_log_page) == 64, "the layout is shared by processes");
_Static_assert(sizeof(struct record) == 24, "the layout is shared by processes");

static uint64_t load(const uint64_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *shared, uint64_t value)
{
	__atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

uint64_t record_log_head(const struct record_log *log)
{
	return load(&log->page->head);
}

uint64_t record_log_tail(const struct record_log *log)
{
	return load(&log->page->tail);
}

bool record_log_is_empty(const struct record_log *log)
{
	return record_log_head(log) == record_log_tail(log);
}

static struct record *at(const struct record_log *log, uint64_t position)
{
	return (struct record *)(void *)(log->page->bytes + position % log->capacity);
}

/* The record there, if it is one that ends at or before end. */
static const struct record *checked(const struct record_log *log, uint64_t position, uint64_t end)
{
	uint64_t to_wrap = log->capacity - position % log->capacity;
	uint64_t room = end - position < to_wrap ? end - position : to_wrap;
	const struct record *record = at(log, position);

	if (position % UNIT || room < UNIT || record->bytes % UNIT || record->bytes > room ||
	    record->bytes < UNIT)
		return NULL;
	if (record->kind == KIND_PAD)
		return record;
	return record->bytes >= sizeof(*record) && record->length <= record->bytes - sizeof(*record)
	               ? record
	               : NULL;
}

const struct record *record_log_next(const struct record_log *log, uint64_t *position, uint64_t end)
{
	while (*position < end) {
		const struct record *record = checked(log, *position, end);

		if (!record)
			return NULL;
		*position += record->bytes;
		if (record->kind != KIND_PAD)
			return record;
	}
	return NULL;
}

static bool is_sound(const struct record_log *log)
{
	uint64_t head = record_log_head(log), tail = record_log_tail(log);

	if (log->page->magic != MAGIC || log->page->capacity != log->capacity || head > tail ||
	    tail - head > log->capacity)
		return false;
	while (record_log_next(log, &head, tail))
		;
	return head == tail;
}

int record_log_open(struct record_log *log, void *memory, size_t bytes, bool is_attach)
{
	assert(bytes > sizeof(struct record_log_page) + RECORD_OVERHEAD);
	log->page = memory;
	log->capacity = (bytes - sizeof(struct record_log_page)) / UNIT * UNIT;
	if (is_attach && !is_sound(log))
		return -EINVAL;
	if (!is_attach)
		*log->page = (struct record_log_page){ .magic = MAGIC, .capacity = log->capacity };
	log->reserved = log->page->tail;
	return 0;
}

void *record_log_reserve(struct record_log *log, uint32_t kind, uint64_t epoch, size_t length)
{
	uint64_t bytes = (sizeof(struct record) + length + UNIT - 1) / UNIT * UNIT;
	uint64_t to_wrap = log->capacity - log->reserved % log->capacity;
	uint64_t pad = to_wrap < bytes ? to_wrap : 0;
	struct record *record;

	assert(kind != KIND_PAD && length <= UINT32_MAX - RECORD_OVERHEAD);
	if (bytes > log->capacity ||
	    log->reserved + pad + bytes - record_log_head(log) > log->capacity)
		return NULL;
	if (pad) {
		record = at(log, log->reserved);
		record->bytes = (uint32_t)pad;
		record->kind = KIND_PAD;
		log->reserved += pad;
	}
	record = at(log, log->reserved);
	*record = (struct record){
		.bytes = (uint32_t)bytes, .kind = kind, .epoch = epoch, .length = (uint32_t)length
	};
	log->reserved += bytes;
	return record->payload;
}

void record_log_publish(struct record_log *log)
{
	store(&log->page->tail, log->reserved);
}

void record_log_abandon(struct record_log *log)
{
	log->reserved = log->page->tail;
}

void record_log_drop(struct record_log *log, uint64_t position)
{
	assert(position >= log->page->head && position <= log->page->tail);
	store(&log->page->head, position);
}
