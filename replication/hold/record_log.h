/* A bounded log of records in shared memory: written by one process, read by others, outliving all of them. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *         head                                tail
 *  ---------|-----------------------------------|---------
 *    free   |  record  record  (pad)  record    |  free
 *
 * Positions count bytes since the log was made and only grow; a record lies at its position modulo the capacity, in
 * one piece. Its writer alone moves both ends: the tail after the record is whole, so a writer that is killed leaves
 * either all of a record or nothing of it.
 */

#ifndef REPLICATION_HOLD_RECORD_LOG_H
#define REPLICATION_HOLD_RECORD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A reader finds this even when the writer is of another version. */
struct record_log_page {
	uint64_t magic;
	uint64_t capacity; /* bytes, a multiple of 8 */
	uint64_t head, tail;
	uint8_t pad[32];
	uint8_t bytes[];
};

struct record {
	uint32_t bytes; /* with this header, a multiple of 8 */
	uint32_t kind;  /* the user's, not 0 */
	uint64_t epoch;
	uint32_t length; /* of the payload */
	uint32_t reserved;
	uint8_t payload[];
};

struct record_log {
	struct record_log_page *page;
	uint64_t capacity; /* what was checked, whatever the page says later */
	uint64_t reserved; /* the tail once what was reserved is published */
};

/* Of what a record takes beside its payload, at most. */
#define RECORD_OVERHEAD (sizeof(struct record) + 8u)

/* Use that memory, page aligned. is_attach: an earlier process filled it; -EINVAL if it does not look like it. Otherwise
 * it is made empty. */
int record_log_open(struct record_log *log, void *memory, size_t bytes, bool is_attach);

/* Room for a record with length bytes of payload, to be filled by the caller; NULL if it is full. */
void *record_log_reserve(struct record_log *log, uint32_t kind, uint64_t epoch, size_t length);

/* What was reserved since is whole: show it. Or: it shall not be. */
void record_log_publish(struct record_log *log);
void record_log_abandon(struct record_log *log);

uint64_t record_log_head(const struct record_log *log);
uint64_t record_log_tail(const struct record_log *log);
bool record_log_is_empty(const struct record_log *log);

/* The first record from *position on and below end; *position becomes that of what follows it. NULL: there is none, or
 * what is there is no record (then *position is not end). */
const struct record *record_log_next(const struct record_log *log, uint64_t *position,
                                     uint64_t end);

/* Forget everything before that position. */
void record_log_drop(struct record_log *log, uint64_t position);

#endif
