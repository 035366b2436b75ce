/* Disk writes in a frame: one or more, each a head and its data. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "replication/wire/disk.h"

static const char *find_fault(const struct wire_disk *head, const struct disk_limits *limits)
{
	if (head->disk >= limits->disks)
		return "a write to a disk that is not there";
	if (head->sectors == 0 || head->sector > limits->sectors[head->disk] ||
	    head->sectors > limits->sectors[head->disk] - head->sector)
		return "a write beyond the end of its disk";
	if (head->op == WIRE_DISK_ZERO)
		return head->size || head->sectors > DISK_ZERO_SECTORS_MAX
		               ? "a write of the wrong size"
		               : NULL;
	if (head->op != WIRE_DISK_DATA)
		return "a write of unknown kind";
	if (head->size > DISK_WRITE_BYTES_MAX || head->size != head->sectors * WIRE_SECTOR)
		return "a write of the wrong size";
	return NULL;
}

int disk_check(const struct frame *frame, const struct disk_limits *limits, uint32_t *count,
               const char **why)
{
	uint32_t offset = 0;
	struct wire_disk head;

	*count = 0;
	*why = NULL;
	while (!*why && offset < frame->size) {
		if (frame->size - offset < sizeof(head)) {
			*why = "a write that is cut off";
			break;
		}
		memcpy(&head, frame->body + offset, sizeof(head));
		offset += (uint32_t)sizeof(head);
		*why = find_fault(&head, limits);
		if (!*why && head.size > frame->size - offset)
			*why = "a write that is cut off";
		offset += head.size;
		(*count)++;
	}
	if (!*why && *count == 0)
		*why = "no write in a frame of writes";
	return *why ? -EPROTO : 0;
}

int disk_next(const uint8_t *body, uint32_t size, uint32_t *offset, struct disk_write *write)
{
	struct wire_disk head;

	if (*offset >= size)
		return 0;
	memcpy(&head, body + *offset, sizeof(head));
	*offset += (uint32_t)sizeof(head);
	*write = (struct disk_write){
		.disk = head.disk,
		.op = head.op,
		.sector = head.sector,
		.sectors = head.sectors,
		.data = head.size ? body + *offset : NULL,
		.size = head.size,
	};
	*offset += head.size;
	return 1;
}

int disk_put(uint8_t *body, uint32_t *size, uint32_t room, const struct disk_write *write)
{
	struct wire_disk head = {
		.disk = write->disk,
		.op = (uint16_t)write->op,
		.size = write->size,
		.sector = write->sector,
		.sectors = write->sectors,
	};

	if (room - *size < sizeof(head) || room - *size - sizeof(head) < write->size)
		return -ENOSPC;
	memcpy(body + *size, &head, sizeof(head));
	*size += (uint32_t)sizeof(head);
	if (write->size)
		memcpy(body + *size, write->data, write->size);
	*size += write->size;
	return 0;
}

bool disk_join(uint8_t *body, uint32_t last, const struct disk_write *write)
{
	struct wire_disk head;

	memcpy(&head, body + last, sizeof(head));
	if (head.op != WIRE_DISK_ZERO || write->op != WIRE_DISK_ZERO || head.disk != write->disk ||
	    head.sector + head.sectors != write->sector ||
	    head.sectors + write->sectors > DISK_ZERO_SECTORS_MAX)
		return false;
	head.sectors += write->sectors;
	memcpy(body + last, &head, sizeof(head));
	return true;
}
