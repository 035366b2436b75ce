/* Marks of what a disk's guest writes: durable before the write is begun, dropped when the standby has it. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

/* Who writes behind what is marked is likely to go on: a sync for so many extents, not for each. */
#define AHEAD 64u

void marks_init(struct marks *marks)
{
	*marks = (struct marks){ .fd = -1 };
}

void marks_close(struct marks *marks)
{
	if (marks->fd >= 0)
		close(marks->fd);
	free(marks->marked);
	free(marks->fresh);
	free(marks->safe);
	free(marks->syncing);
	free(marks->is_stale);
	marks_init(marks);
}

static int allocate(struct marks *marks)
{
	size_t words = marks->layout.words;

	marks->marked = calloc(words, sizeof(uint64_t));
	marks->fresh = calloc(words, sizeof(uint64_t));
	marks->safe = calloc(words, sizeof(uint64_t));
	marks->syncing = calloc(words, sizeof(uint64_t));
	marks->is_stale = calloc(marks->layout.blocks, sizeof(bool));
	return marks->marked && marks->fresh && marks->safe && marks->syncing && marks->is_stale
	               ? 0
	               : -ENOMEM;
}

/* Nothing may be written unmarked while somebody could believe the file. */
static void give_up(struct marks *marks, const char *path, const char *why)
{
	log_warning("%s: %s: the next copy of this disk is a full one", path, why);
	marks->is_voided = marks->is_wanted = true;
	if (marks_void(marks->fd))
		marks->is_lost = true;
}

int marks_open(struct marks *marks, const char *path, const struct marks_disk *disk)
{
	uint32_t damaged;
	const char *why;
	int err = marks_layout(disk->sectors, &marks->layout);

	if (err)
		return err;
	marks->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (marks->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = allocate(marks);
	if (err) {
		marks_close(marks);
		return err;
	}
	err = marks_read_fd(marks->fd, disk, &marks->pairing, marks->marked, &damaged, &why);
	if (err) {
		give_up(marks, path, why);
		return 0;
	}
	if (damaged)
		log_warning("%s: %u blocks are damaged and count as marked", path, damaged);
	/* An earlier process may have died before it had synced what is there. */
	memset(marks->is_stale, damaged != 0, marks->layout.blocks * sizeof(bool));
	marks->is_wanted = true;
	return 0;
}

static bool is_in(const uint64_t *words, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (!marks_has(words, i))
			return false;
	}
	return true;
}

static void put(struct marks *marks, uint32_t extent)
{
	marks_put(marks->fresh, extent);
	if (marks_has(marks->marked, extent))
		return;
	marks_put(marks->marked, extent);
	marks->is_stale[extent / (MARKS_BLOCK_WORDS * 64)] = true;
}

static void put_ahead(struct marks *marks, uint32_t first, uint32_t count)
{
	uint32_t end = first + count;

	if (first == 0 || !marks_has(marks->marked, first - 1))
		return;
	for (uint32_t i = end; i < marks->layout.extents && i < end + AHEAD; i++)
		put(marks, i);
}

enum marks_answer marks_cover(struct marks *marks, uint64_t sector, uint64_t sectors)
{
	uint32_t first, count;

	if (marks->fd < 0)
		return MARKS_SAFE;
	if (marks->is_voided)
		return marks->is_lost ? MARKS_LOST : MARKS_WAIT;
	marks_extents(&marks->layout, sector, sectors, &first, &count);
	if (is_in(marks->safe, first, count)) {
		for (uint32_t i = first; i < first + count; i++)
			marks_put(marks->fresh, i);
		return MARKS_SAFE;
	}
	if (!is_in(marks->marked, first, count))
		put_ahead(marks, first, count);
	for (uint32_t i = first; i < first + count; i++)
		put(marks, i);
	if (!marks->is_syncing || !is_in(marks->syncing, first, count))
		marks->is_wanted = true;
	return MARKS_WAIT;
}

/* Begun before the turn, and to be kept all the same. It was marked when it began. */
void marks_doubt(struct marks *marks, uint64_t sector, uint64_t sectors)
{
	uint32_t first, count;

	if (marks->fd < 0 || marks->is_voided)
		return;
	marks_extents(&marks->layout, sector, sectors, &first, &count);
	for (uint32_t i = first; i < first + count; i++)
		put(marks, i);
}

/* 0 or a negative errno: what was not stored stays stale. */
static int store_stale(struct marks *marks)
{
	int err = 0;

	for (uint32_t n = 0; n < marks->layout.blocks && !err; n++) {
		if (!marks->is_stale[n])
			continue;
		err = marks_store(marks->fd, marks->pairing, marks->marked, n);
		marks->is_stale[n] = err;
	}
	return err;
}

/* The file cannot be kept: nothing of it may count, or nothing more may be written. */
static void fail(struct marks *marks, int err)
{
	log_error("marks of a disk cannot be kept: %s: its next copy is a full one",
	          strerror(-err));
	if (marks->is_voided || marks_void(marks->fd)) {
		marks->is_lost = true;
		log_error("nor can they be given up: what was not marked is not written");
	}
	marks->is_voided = marks->is_wanted = true;
}

bool marks_begin_sync(struct marks *marks)
{
	int err;

	if (marks->fd < 0 || !marks->is_wanted || marks->is_syncing || marks->is_lost)
		return false;
	err = marks->is_voided ? 0 : store_stale(marks);
	if (err)
		fail(marks, err);
	if (marks->is_lost)
		return false;
	marks->is_wanted = false;
	marks->is_syncing = true;
	if (!marks->is_voided)
		memcpy(marks->syncing, marks->marked, marks->layout.words * sizeof(uint64_t));
	return true;
}

void marks_synced(struct marks *marks, int err)
{
	uint64_t *was = marks->safe;

	marks->is_syncing = false;
	if (err) {
		fail(marks, err);
	} else if (marks->is_voided) {
		marks_close(marks);
	} else {
		marks->safe = marks->syncing;
		marks->syncing = was;
	}
}

void marks_turn(struct marks *marks, uint64_t epoch)
{
	if (marks->fd < 0 || marks->is_voided || marks->has_turn)
		return;
	marks->has_turn = true;
	marks->turn = epoch;
	memset(marks->fresh, 0, marks->layout.words * sizeof(uint64_t));
}

/* That they are dropped need not be durable: too many do no harm. */
void marks_settle(struct marks *marks)
{
	if (marks->fd < 0 || marks->is_voided || !marks->has_turn)
		return;
	marks->has_turn = false;
	for (uint32_t i = 0; i < marks->layout.words; i++) {
		marks->is_stale[i / MARKS_BLOCK_WORDS] |= (marks->marked[i] & ~marks->fresh[i]) !=
		                                          0;
		marks->marked[i] &= marks->fresh[i];
		marks->safe[i] &= marks->fresh[i];
		marks->syncing[i] &= marks->fresh[i];
	}
	store_stale(marks);
}
