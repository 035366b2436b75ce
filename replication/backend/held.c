/* Frames of a network card that wait until the standby has the epoch that sent them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/held.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "replication/backend/tap.h"
#include "replication/hold/door.h"
#include "replication/hold/shared.h"

#define RECORD_FRAME 1u

static void make_path(char *path, unsigned int domid, unsigned int devid)
{
	snprintf(path, DOOR_PATH_BYTES, DOOR_FOLDER "/vif-%u-%u.held", domid, devid);
}

static uint32_t count_frames(const struct record_log *log)
{
	uint64_t position = record_log_head(log), end = record_log_tail(log);
	uint32_t frames = 0;

	while (record_log_next(log, &position, end))
		frames++;
	return frames;
}

/* The mapping is enough: descriptors are not kept. */
static int use(struct held *held, int fd, bool is_attach)
{
	int err;

	if (fd < 0)
		return fd;
	close(fd);
	err = record_log_open(&held->log, held->memory, HELD_BYTES, is_attach);
	if (err) {
		munmap(held->memory, HELD_BYTES);
		held->memory = NULL;
	}
	held->frames = err ? 0 : count_frames(&held->log);
	return err;
}

int held_find(struct held *held, unsigned int domid, unsigned int devid)
{
	char path[DOOR_PATH_BYTES];
	void *memory = NULL;
	int fd;

	make_path(path, domid, devid);
	fd = shared_find(path, HELD_BYTES, &memory);
	held->memory = fd < 0 ? NULL : memory;
	return use(held, fd, true);
}

int held_open(struct held *held, unsigned int domid, unsigned int devid)
{
	char path[DOOR_PATH_BYTES];
	void *memory = NULL;
	int fd;

	if (held->memory || held_find(held, domid, devid) == 0)
		return 0;
	make_path(path, domid, devid);
	fd = shared_make(path, HELD_BYTES, &memory);
	held->memory = fd < 0 ? NULL : memory;
	return use(held, fd, false);
}

void held_close(struct held *held, unsigned int domid, unsigned int devid, bool is_final)
{
	char path[DOOR_PATH_BYTES];

	if (held->memory)
		munmap(held->memory, HELD_BYTES);
	held->memory = NULL;
	held->frames = 0;
	make_path(path, domid, devid);
	if (is_final)
		unlink(path);
}

void held_add(const struct held *held, struct held_sum *sum)
{
	if (!held->memory)
		return;
	sum->bytes += record_log_tail(&held->log) - record_log_head(&held->log);
	sum->frames += held->frames;
}

bool held_is_empty(const struct held *held)
{
	return !held->memory || record_log_is_empty(&held->log);
}

int held_put(struct held *held, uint64_t epoch, const struct virtio_net_hdr *header,
             const void *frame, size_t length)
{
	uint8_t *room = record_log_reserve(&held->log, RECORD_FRAME, epoch,
	                                   sizeof(*header) + length);

	if (!room)
		return -ENOBUFS;
	memcpy(room, header, sizeof(*header));
	memcpy(room + sizeof(*header), frame, length);
	record_log_publish(&held->log);
	held->frames++;
	return 0;
}

bool held_is_over(uint64_t until)
{
	struct timespec time;

	if (until == UINT64_MAX)
		return false;
	if (clock_gettime(CLOCK_BOOTTIME, &time))
		return true;
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec >= until;
}

int held_release(struct held *held, uint64_t epoch, uint64_t until, int tap)
{
	uint64_t position, end;
	const struct record *record;

	if (!held->memory)
		return 0;
	position = record_log_head(&held->log);
	end = record_log_tail(&held->log);
	while ((record = record_log_next(&held->log, &position, end)) && record->epoch <= epoch &&
	       !held_is_over(until)) {
		struct virtio_net_hdr header;
		const uint8_t *frame = record->payload + sizeof(header);

		memcpy(&header, record->payload, sizeof(header));
		/* Another error than a full tap: the frame is one that the network drops. */
		if (tap_write(tap, &header, frame, record->length - sizeof(header)) == -EAGAIN)
			return -EAGAIN;
		record_log_drop(&held->log, position);
		held->frames--;
	}
	return 0;
}
