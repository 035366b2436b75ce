/* The requests of a disk that were read and not yet answered, in ring order. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   TAKEN --> WAITING --> RUNNING --> READ (data to be copied out) --> DONE --> answered, in ring order
 *
 * Requests run side by side and end in any order; only those that touch the same sectors keep theirs. So running all of
 * what is outstanding once more, in ring order, ends in the same contents (design D5).
 */

#ifndef REPLICATION_BACKEND_DISK_QUEUE_H
#define REPLICATION_BACKEND_DISK_QUEUE_H

#include "replication/backend/block_parse.h"
#include "replication/backend/device.h"
#include "replication/backend/disk_marks.h"
#include "replication/backend/image.h"
#include "replication/backend/ring.h"

/* Slots of a ring of two pages: what may be outstanding. With a mebibyte of buffer each, it also bounds the memory of a
 * disk; buffers are used again newest first, so few are touched by few requests. */
#define DISK_REQUESTS_MAX 64u

enum disk_stage { DISK_WAITING, DISK_RUNNING, DISK_READ, DISK_DONE };

struct disk;

struct disk_request {
	struct image_job job; /* first: done() is given its address */
	struct disk *disk;
	enum disk_stage stage;
	bool flushes_after; /* a flush that carries data: written first */
	bool is_unnoted;    /* begun when changes were not noted (output.h) */
	bool is_noted;      /* they were, and it is not done */
	uint64_t note;      /* where, then */
	bool is_change;     /* under way, and counted by the marks of its era */
	unsigned int era;
	int16_t status;
	uint8_t *buffer;
	struct block_request parsed;
};

struct disk {
	struct device device;
	const struct block_layout *layout;
	struct image image;
	void *pages;
	unsigned int page_count;
	struct ring ring;
	unsigned int running; /* jobs the kernel has, of this connection and of earlier ones */
	unsigned int unnoted; /* of these, changes that were not noted */
	uint8_t *arena;       /* DISK_REQUESTS_MAX buffers */
	uint8_t *free_buffers[DISK_REQUESTS_MAX];
	unsigned int free_count;
	uint8_t *indirect_page;
	struct disk_marks marks;
	struct disk_request requests[DISK_REQUESTS_MAX]; /* by ring index */
};

/* Of the changes that are under way, the note of the first; UINT64_MAX: there is none. */
uint64_t disk_oldest_note(const struct disk *disk);

/* Take, start, copy and answer what can be. Fails the device itself; false then. */
bool disk_serve(struct disk *disk);

/* Begin with no request outstanding. */
void disk_queue_reset(struct disk *disk);

#endif
