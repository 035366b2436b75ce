/* Notes of disk writes, as the backend worker made them: read, and laid over what was read of an image. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/notes.h"

#include <errno.h>
#include <string.h>

#include "replication/hold/door.h"

int note_read(const struct images *disks, const struct record *note, struct disk_write *write)
{
	const struct door_write *told = (const struct door_write *)(const void *)note->payload;
	int disk;

	if (note->kind == NOTE_FLUSH)
		return 0;
	if ((note->kind != NOTE_WRITE && note->kind != NOTE_DISCARD) ||
	    note->length < sizeof(*told))
		return -EPROTO;
	disk = images_find(disks, told->disk);
	if (disk < 0)
		return disk;
	*write = (struct disk_write){ .disk = (uint16_t)disk,
		                      .op = WIRE_DISK_ZERO,
		                      .sector = told->sector,
		                      .sectors = told->sectors };
	if (note->kind == NOTE_DISCARD)
		return told->sectors ? 1 : 0;
	write->op = WIRE_DISK_DATA;
	write->data = note->payload + sizeof(*told);
	write->size = note->length - (uint32_t)sizeof(*told);
	return write->size == told->sectors * WIRE_SECTOR ? 1 : -EPROTO;
}

void note_lay(const struct disk_write *write, const struct disk_write *block, uint8_t *bytes)
{
	uint64_t first = write->sector > block->sector ? write->sector : block->sector;
	uint64_t write_end = write->sector + write->sectors;
	uint64_t block_end = block->sector + block->sectors;
	uint64_t end = write_end < block_end ? write_end : block_end;
	uint8_t *to = bytes + (first - block->sector) * WIRE_SECTOR;

	if (write->disk != block->disk || first >= end)
		return;
	if (write->op == WIRE_DISK_ZERO)
		memset(to, 0, (end - first) * WIRE_SECTOR);
	else
		memcpy(to, write->data + (first - write->sector) * WIRE_SECTOR,
		       (end - first) * WIRE_SECTOR);
}
