/* Reading notes, which another process writes: every length is checked on a copy. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/xen/notes.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "replication/hold/door.h"

int notes_open(struct notes *notes, int fd, uint64_t position)
{
	int err;

	*notes = (struct notes){ 0 };
	notes->memory = mmap(NULL, DOOR_LOG_BYTES, PROT_READ, MAP_SHARED, fd, DOOR_LOG_OFFSET);
	if (notes->memory == MAP_FAILED) {
		notes->memory = NULL;
		return -errno;
	}
	err = record_log_open(&notes->log, notes->memory, DOOR_LOG_BYTES, true);
	if (err)
		notes_close(notes);
	notes->position = position;
	return err;
}

void notes_close(struct notes *notes)
{
	if (notes->memory)
		munmap(notes->memory, DOOR_LOG_BYTES);
	*notes = (struct notes){ 0 };
}

/* A record's head as it is now; its data is length bytes. */
static int read_head(const struct record *record, struct door_write *head, uint64_t *bytes)
{
	uint32_t length = record->length;

	if (length < sizeof(*head))
		return -EPROTO;
	memcpy(head, record->payload, sizeof(*head));
	*bytes = length - sizeof(*head);
	return 0;
}

static int make_data(struct disk_write *write, const struct record *record,
                     const struct door_write *head, uint64_t bytes)
{
	if (!head->sectors || bytes > DISK_WRITE_BYTES_MAX || bytes != head->sectors * WIRE_SECTOR)
		return -EPROTO;
	write->op = WIRE_DISK_DATA;
	write->sector = head->sector;
	write->sectors = head->sectors;
	write->data = record->payload + sizeof(*head);
	write->size = (uint32_t)bytes;
	return 0;
}

/* Whether this was the last piece. */
static bool make_zero(struct disk_write *write, const struct door_write *head, uint64_t *told)
{
	uint64_t left = head->sectors - *told;
	uint64_t now = left < DISK_ZERO_SECTORS_MAX ? left : DISK_ZERO_SECTORS_MAX;

	write->op = WIRE_DISK_ZERO;
	write->sector = head->sector + *told;
	write->sectors = now;
	write->data = NULL;
	write->size = 0;
	*told = now == left ? 0 : *told + now;
	return now == left;
}

static int tell(struct notes *notes, const struct disks *disks, const struct record *record,
                struct disk_write *write, bool *is_done)
{
	struct door_write head;
	uint64_t bytes;
	int disk, err = read_head(record, &head, &bytes);

	*is_done = true;
	if (err || record->kind == NOTE_FLUSH)
		return err;
	disk = disks_find(disks, head.disk);
	if (disk < 0)
		return -ENODEV;
	write->disk = (uint16_t)disk;
	if (record->kind == NOTE_WRITE)
		err = make_data(write, record, &head, bytes);
	else if (record->kind == NOTE_DISCARD && head.sectors > notes->told)
		*is_done = make_zero(write, &head, &notes->told);
	else
		err = -EPROTO;
	return err ? err : 1;
}

int notes_next(struct notes *notes, const struct disks *disks, uint64_t epoch,
               struct disk_write *write)
{
	int told = 0;

	while (notes->memory && !told) {
		uint64_t next = notes->position, tail = record_log_tail(&notes->log);
		const struct record *record = record_log_next(&notes->log, &next, tail);
		bool is_done;

		if (!record)
			return next == tail ? 0 : -EPROTO;
		if (record->epoch > epoch)
			return 0;
		told = tell(notes, disks, record, write, &is_done);
		if (told >= 0 && is_done)
			notes->position = next;
	}
	return told;
}
