/* The marks of a disk, as its queue keeps them: synced, and settled, by jobs beside the guest's. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/disk_marks.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include "common/log.h"
#include "replication/backend/disk_queue.h"

static struct image_queue *queue_of(struct disk *disk)
{
	return &disk->device.host->images;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int open_file(struct disk *disk)
{
	struct disk_marks *its = &disk->marks;
	int err;

	marks_close(&its->marks);
	its->opened++;
	its->may_settle = false;
	its->turned = 0;
	err = marks_open(&its->marks, its->path, &its->of);
	disk_marks_go(disk);
	return err;
}

int disk_marks_open(struct disk *disk, bool is_kept, const char *folder)
{
	struct disk_marks *its = &disk->marks;
	struct stat status;

	if (!its->opened)
		marks_init(&its->marks);
	its->of.sectors = disk->image.sectors;
	*its->path = 0;
	if (!is_kept || !folder || !disk->image.sectors) {
		disk_marks_close(disk);
		return 0;
	}
	if (fstat(disk->image.fd, &status))
		return -errno;
	its->of.inode = S_ISREG(status.st_mode) ? status.st_ino : 0;
	marks_path(its->path, folder, &its->of);
	return open_file(disk);
}

void disk_marks_close(struct disk *disk)
{
	if (disk->marks.opened)
		marks_close(&disk->marks.marks);
	else
		marks_init(&disk->marks.marks);
	disk->marks.opened++;
}

/* --- changes --- */

enum marks_answer disk_marks_cover(struct disk *disk, const struct disk_request *request)
{
	return marks_cover(&disk->marks.marks, request->parsed.sector, request->parsed.sectors);
}

void disk_marks_begun(struct disk *disk, struct disk_request *request)
{
	request->era = disk->marks.era;
	disk->marks.changing[request->era]++;
}

static void on_settled(struct image_job *job, int err)
{
	struct disk *disk = (struct disk *)((char *)job - offsetof(struct disk, marks.settle));
	struct disk_marks *its = &disk->marks;

	disk->running--;
	its->is_settling = false;
	if (its->settle_of != its->opened || !its->may_settle)
		return;
	its->may_settle = false; /* after an error: when the standby has committed again */
	if (!err)
		marks_settle(&its->marks);
}

static void settle_if_due(struct disk *disk)
{
	struct disk_marks *its = &disk->marks;

	if (!its->may_settle || its->is_settling || its->changing[!its->era])
		return;
	its->is_settling = true;
	its->settle_of = its->opened;
	its->settle.done = on_settled;
	disk->running++;
	image_flush(queue_of(disk), &disk->image, &its->settle);
}

void disk_marks_ended(struct disk *disk, const struct disk_request *request, int err)
{
	disk->marks.changing[request->era]--;
	if (err)
		marks_doubt(&disk->marks.marks, request->parsed.sector, request->parsed.sectors);
	settle_if_due(disk);
}

/* --- syncs --- */

static void on_synced(struct image_job *job, int err)
{
	struct disk *disk = (struct disk *)((char *)job - offsetof(struct disk, marks.sync));
	struct disk_marks *its = &disk->marks;

	disk->running--;
	its->is_syncing = false;
	if (its->sync_of == its->opened)
		marks_synced(&its->marks, err);
	disk_marks_go(disk);
}

void disk_marks_go(struct disk *disk)
{
	struct disk_marks *its = &disk->marks;

	if (its->is_syncing || !marks_begin_sync(&its->marks))
		return;
	its->is_syncing = true;
	its->sync_of = its->opened;
	its->sync.done = on_synced;
	its->file.fd = its->marks.fd;
	disk->running++;
	image_flush(queue_of(disk), &its->file, &its->sync);
}

/* --- the holder --- */

static int pair(struct disk *disk, uint64_t pairing)
{
	struct disk_marks *its = &disk->marks;
	int err;

	if (!*its->path)
		return -ENOENT;
	err = open_file(disk);
	image_queue_submit(queue_of(disk));
	if (err)
		return err;
	return its->marks.fd >= 0 && its->marks.pairing == pairing ? 0 : -ENOENT;
}

/* What a turn drops, the next write has to sync again: not too often. */
static void turn(struct disk *disk, uint64_t epoch)
{
	struct disk_marks *its = &disk->marks;
	uint64_t now = now_ms();

	if (its->marks.has_turn || its->changing[!its->era] ||
	    (its->turned && now - its->turned < disk->device.host->turn_ms))
		return;
	its->turned = now;
	its->era = !its->era;
	marks_turn(&its->marks, epoch);
}

static void commit(struct disk *disk, uint64_t epoch)
{
	struct disk_marks *its = &disk->marks;

	if (!its->marks.has_turn || epoch < its->marks.turn)
		return;
	its->may_settle = true;
	settle_if_due(disk);
	image_queue_submit(queue_of(disk));
}

int disk_marks_tell(struct disk *disk, enum door_kind kind, uint64_t number)
{
	if (!disk->device.is_connected || !disk->marks.opened)
		return 0;
	if (kind == DOOR_PAIR)
		return pair(disk, number);
	if (disk->marks.marks.fd < 0)
		return 0;
	if (kind == DOOR_CUT)
		turn(disk, number);
	else
		commit(disk, number);
	return 0;
}
