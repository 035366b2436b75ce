/* A worker whose output is held: shared memory and a tap of this process, around the real rules. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/held_worker.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/backend/guest_lock.h"
#include "replication/backend/tap.h"
#include "replication/hold/shared.h"

/* --- shared memory that outlives the worker under test, by path --- */

static struct {
	char path[DOOR_PATH_BYTES];
	int fd; /* a file without a name */
} files[4];

static int map(int fd, size_t bytes, void **memory)
{
	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return dup(fd);
}

int shared_find(const char *path, size_t bytes, void **memory)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (files[i].fd > 0 && strcmp(files[i].path, path) == 0)
			return lseek(files[i].fd, 0, SEEK_END) == (off_t)bytes
			               ? map(files[i].fd, bytes, memory)
			               : -EINVAL;
	}
	return -ENOENT;
}

int unlink(const char *path)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (files[i].fd > 0 && strcmp(files[i].path, path) == 0) {
			close(files[i].fd);
			files[i].fd = 0;
		}
	}
	return 0;
}

bool is_memory_short;

int shared_make(const char *path, size_t bytes, void **memory)
{
	unsigned int i = 0;

	unlink(path);
	if (is_memory_short)
		return -ENOSPC;
	while (files[i].fd > 0)
		i++;
	strcpy(files[i].path, path);
	files[i].fd = memfd_create("test", 0);
	assert_int_equal(ftruncate(files[i].fd, (off_t)bytes), 0);
	return map(files[i].fd, bytes, memory);
}

/* --- nobody else serves the guest --- */

int guest_lock_take(unsigned int domid)
{
	(void)domid;
	return 1;
}

void guest_lock_drop(unsigned int domid, int fd)
{
	(void)domid;
	assert_int_equal(fd, 1);
}

/* --- the tap: frames by number --- */

static uint32_t left[4096];
unsigned int left_count, tap_room;

ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *frame, size_t length)
{
	if (tap_room == 0)
		return -EAGAIN;
	tap_room--;
	memcpy(&left[left_count++], frame, sizeof(left[0]));
	return (ssize_t)length;
}

/* --- the worker --- */

struct output output;
struct held held;
struct door_message answers[16];
unsigned int answer_count, gone_on;
bool is_unnoted;
uint64_t oldest_under_way;

static void answer(struct output *to, const struct door_message *message, int fd)
{
	assert_int_equal(fd >= 0, message->kind == DOOR_TAKEN);
	assert_true(answer_count < 16);
	answers[answer_count++] = *message;
}

static bool is_noted(struct output *of)
{
	return !is_unnoted;
}

static uint64_t under_way(struct output *of)
{
	return oldest_under_way;
}

static int hold(struct output *of)
{
	return held_open(&held, 7, 0);
}

static void go(struct output *of)
{
	gone_on++;
	held_release(&held, output_released(&output), output_lease(&output), 0);
}

static struct held_sum held_by_cards(struct output *of)
{
	struct held_sum sum = { 0 };

	held_add(&held, &sum);
	return sum;
}

static const struct output_ops ops = { .answer = answer,
	                               .is_noted = is_noted,
	                               .under_way = under_way,
	                               .held = held_by_cards,
	                               .hold = hold,
	                               .go = go };

void worker_start(void)
{
	assert_int_equal(output_adopt(&output, 7, &ops), 0);
	memset(&held, 0, sizeof(held));
	if (output_is_held(&output))
		assert_int_equal(held_open(&held, 7, 0), 0);
}

void worker_kill(void)
{
	if (output.page) {
		munmap(output.page, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES);
		close(output.fd);
	}
	held_close(&held, 7, 0, false);
}

int worker_set_up(void **state)
{
	answer_count = gone_on = left_count = 0;
	tap_room = 4096;
	is_unnoted = is_memory_short = false;
	oldest_under_way = UINT64_MAX;
	worker_start();
	return 0;
}

int worker_tear_down(void **state)
{
	held_close(&held, 7, 0, true);
	output_remove(&output);
	return 0;
}

static uint32_t say(const struct door_message *message)
{
	answer_count = 0;
	output_message(&output, message);
	return answer_count ? answers[answer_count - 1].kind : 0;
}

uint32_t ask(enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	return say(&message);
}

uint32_t ask_exempt(const struct exempt *exempt)
{
	struct door_message message = { .version = DOOR_VERSION,
		                        .kind = DOOR_EXEMPT,
		                        .exempt = *exempt };

	return say(&message);
}

int refused(enum door_kind kind, uint64_t epoch)
{
	return ask(kind, epoch) == DOOR_REFUSED ? answers[answer_count - 1].error : 0;
}

void boundary(uint64_t epoch)
{
	assert_int_equal(ask(DOOR_STOP, epoch), DOOR_STOPPED);
	assert_int_equal(ask(DOOR_CUT, epoch), DOOR_DONE);
}

/* As net_send.c does it. */
bool send_frame(uint32_t number)
{
	struct virtio_net_hdr header = { 0 };
	uint8_t frame[60] = { 0 };

	memcpy(frame, &number, sizeof(number));
	if (!output_is_held(&output) && held_is_empty(&held))
		return tap_write(0, &header, frame, sizeof(frame)) > 0;
	if (held_put(&held, output_epoch(&output), &header, frame, sizeof(frame)))
		return false;
	output_want(&output);
	return true;
}

bool write_disk(uint64_t sector, size_t bytes)
{
	static uint8_t contents[1 << 20];
	struct door_write write = { .disk = 51712, .sector = sector, .sectors = bytes / 512 };
	bool is_noted = output_note(&output, NOTE_WRITE, &write, contents, bytes);

	if (is_noted)
		output_note_end(&output);
	return is_noted;
}

void assert_left(uint32_t count)
{
	assert_int_equal(left_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(left[i], i);
}
