/* Two hosts' images, copied to and fro: only what differs, whatever happened to either host, and all of it when that is not known. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: common/log.c replication/domain/devices.c replication/domain/images.c replication/domain/pairing.c replication/domain/domain_sink.c replication/domain/domain_vm.c replication/domain/notes.c replication/capture/capture.c replication/apply/own_pages.c replication/hyper/hyper.c replication/hold/record_log.c replication/marks/marks_file.c replication/backend/marks.c tests/unit/fake_hyper.c common/exempt.c */
/* libs: -lxxhash */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "replication/backend/marks.h"
#include "replication/domain/domain_sink.h"
#include "replication/domain/domctl.h"
#include "replication/domain/domain_vm.h"
#include "tests/unit/fake_hyper.h"

#define DEVICE       51712u
#define EXTENT       (64u << 10)
#define EXTENTS      40u
#define BYTES        (EXTENTS * EXTENT)
#define KIB(extents) ((uint64_t)(extents)*EXTENT)

struct side {
	struct fake_hyper fake;
	struct hyper hyper;
	char folder[32], image[64], marks_path[MARKS_PATH_BYTES];
	struct images disks;
	bool is_open, is_primary;
	struct domain_vm vm;
	struct domain_sink sink;
	/* Of the backend worker, while the guest is here. */
	struct marks marks;
	int image_fd;
};

static struct side a, b;
static struct side *runs; /* whose backend the door is of */
static uint64_t last_pairing;
static struct exempt exempt; /* the last that the backend worker was told */
static int notes_file;

/* --- a backend worker at its door --- */

static int pipe_ends[2];
static struct door_message answer;
static bool has_answer, is_deaf;

static struct marks_disk disk_of(const struct side *side)
{
	struct marks_disk disk = { .vm = { 7 }, .device = DEVICE, .sectors = BYTES / 512 };
	struct stat status;

	assert_int_equal(stat(side->image, &status), 0);
	disk.inode = status.st_ino;
	return disk;
}

static void sync_marks(struct side *side)
{
	while (marks_begin_sync(&side->marks))
		marks_synced(&side->marks, 0);
}

static void open_marks(struct side *side)
{
	struct marks_disk disk = disk_of(side);

	marks_close(&side->marks);
	assert_int_equal(marks_open(&side->marks, side->marks_path, &disk), 0);
	sync_marks(side);
}

int door_connect(unsigned int domid)
{
	return dup(pipe_ends[0]);
}

static enum door_kind serve(const struct door_message *message)
{
	struct marks *marks = &runs->marks;

	switch (message->kind) {
	case DOOR_TAKE:
		return DOOR_TAKEN;
	case DOOR_PAIR:
		open_marks(runs);
		return marks->fd >= 0 && marks->pairing == message->epoch && !is_deaf
		               ? DOOR_PAIRED
		               : DOOR_REFUSED;
	case DOOR_COMMITTED:
		if (marks->has_turn && message->epoch >= marks->turn)
			marks_settle(marks);
		return 0;
	case DOOR_EXEMPT:
		exempt = message->exempt;
		return DOOR_EXEMPTED;
	default:
		return 0;
	}
}

int door_send(int socket, const struct door_message *message, int fd)
{
	answer = *message;
	answer.flags = message->kind;
	answer.error = -ENOENT;
	answer.kind = serve(message);
	has_answer = answer.kind != 0;
	return 0;
}

int door_receive(int socket, struct door_message *message, int *fd)
{
	*fd = -1;
	if (!has_answer)
		return -EAGAIN;
	has_answer = false;
	*message = answer;
	if (message->kind == DOOR_TAKEN)
		*fd = dup(notes_file);
	return 0;
}

/* --- what else there is of a domain --- */

int shadow_memory_open(struct shadow_memory *memory, uint16_t domain)
{
	return 0;
}

void shadow_memory_close(struct shadow_memory *memory)
{
}

int shadow_memory_read(struct shadow_memory *memory, uint64_t gfn, uint8_t *page)
{
	return -EFAULT;
}

void shadow_memory_changes(struct shadow_memory *memory, uint64_t gfn, int is_there)
{
}

int domctl_pause(uint16_t domain)
{
	return 0;
}

int domctl_unpause(uint16_t domain)
{
	return 0;
}

uint64_t domctl_bytes(uint16_t domain)
{
	return 0;
}

/* --- the hosts --- */

static void make_side(struct side *side)
{
	struct marks_disk disk;
	int fd;

	memset(side, 0, sizeof(*side));
	strcpy(side->folder, "/tmp/remus-resync-XXXXXX");
	assert_non_null(mkdtemp(side->folder));
	snprintf(side->image, sizeof(side->image), "%s/image", side->folder);
	fd = open(side->image, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	close(fd);
	disk = disk_of(side);
	marks_path(side->marks_path, side->folder, &disk);
	marks_init(&side->marks);
	fake_open(&side->fake, &side->hyper);
	fake_domain(&side->fake, 1)->is_paused = true;
}

static void stop_worker(struct side *side)
{
	if (side->is_open && side->is_primary)
		domain_vm_close(&side->vm);
	else if (side->is_open)
		domain_sink_close(&side->sink);
	if (side->is_open)
		images_close(&side->disks);
	side->is_open = false;
}

static void start_worker(struct side *side, bool is_primary)
{
	const char *failed;

	stop_worker(side);
	side->disks = (struct images){ .marks = side->folder, .vm = { 7 } };
	assert_int_equal(images_add(&side->disks, side->image, DEVICE), 0);
	assert_int_equal(images_open(&side->disks, !is_primary, &failed), 0);
	if (is_primary)
		assert_int_equal(domain_vm_open(&side->vm, &side->hyper, &side->disks, 1, true,
		                                false, 16),
		                 0);
	else
		assert_int_equal(domain_sink_open(&side->sink, &side->hyper, &side->disks, 1), 0);
	side->is_open = true;
	side->is_primary = is_primary;
}

/* The guest is there and not elsewhere. */
static void run_at(struct side *side)
{
	if (runs)
		marks_close(&runs->marks);
	runs = side;
	open_marks(side);
}

static void write_extent(struct side *side, unsigned int extent, uint8_t value)
{
	int fd = open(side->image, O_WRONLY);
	uint64_t sector = (uint64_t)extent * (EXTENT / 512) + value % 64;

	while (marks_cover(&side->marks, sector, 2) == MARKS_WAIT)
		sync_marks(side);
	assert_int_equal(pwrite(fd, &value, 1, (off_t)(sector * 512 + 700)), 1);
	close(fd);
}

static void remove_side(struct side *side)
{
	stop_worker(side);
	marks_close(&side->marks);
	fake_close(&side->fake, &side->hyper);
	unlink(side->image);
	unlink(side->marks_path);
	assert_int_equal(rmdir(side->folder), 0);
}

static int set_up(void **state)
{
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(write(pipe_ends[1], "x", 1), 1);
	notes_file = memfd_create("notes", 0);
	assert_int_equal(ftruncate(notes_file, (off_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES), 0);
	{
		struct record_log log;
		uint8_t *memory = mmap(NULL, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES,
		                       PROT_READ | PROT_WRITE, MAP_SHARED, notes_file, 0);

		assert_int_equal(
			record_log_open(&log, memory + DOOR_LOG_OFFSET, DOOR_LOG_BYTES, false), 0);
		munmap(memory, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES);
	}
	is_deaf = has_answer = false;
	make_side(&a);
	make_side(&b);
	runs = NULL;
	run_at(&a);
	return 0;
}

static int tear_down(void **state)
{
	remove_side(&a);
	remove_side(&b);
	close(notes_file);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return 0;
}

/* --- a copy, as primary.c and standby.c make it --- */

static void tell_marks(struct side *from, struct side *to)
{
	static uint8_t bits[WIRE_MARKS_BYTES_MAX];
	struct sink *sink = &from->sink.sink;
	uint32_t size = sink->ops->marks(sink, 0, bits);

	assert_int_equal(to->vm.vm.ops->differ(&to->vm.vm, 0, bits, size + 8), -EPROTO);
	assert_int_equal(to->vm.vm.ops->differ(&to->vm.vm, 0, bits, size), 0);
}

/* Bytes that were copied, of so many blocks at most: then a worker dies. */
static uint64_t copy_some(struct side *from, struct side *to, unsigned int blocks)
{
	struct vm *vm;
	struct sink *sink;
	struct disk_write block;
	uint64_t copied = 0, mine, theirs;
	int more = 1;

	start_worker(from, true);
	start_worker(to, false);
	vm = &from->vm.vm;
	sink = &to->sink.sink;
	mine = vm->ops->pairing(vm);
	theirs = sink->ops->pairing(sink);
	assert_int_equal(vm->ops->attach(vm, mine == theirs ? mine : 0, ++last_pairing), 0);
	if (mine && vm->ops->pairing(vm) == mine && mine == theirs)
		tell_marks(to, from);
	assert_int_equal(sink->ops->reset(sink, from->vm.pairing), 0);
	while (blocks-- && (more = vm->ops->sync(vm, &block)) > 0) {
		copied += block.sectors * WIRE_SECTOR;
		assert_int_equal(sink->ops->write(sink, &block), 0);
	}
	assert_true(more >= 0);
	if (!more)
		assert_int_equal(sink->ops->settle(sink), 0);
	return copied;
}

static void assert_same(void)
{
	static uint8_t left[BYTES], right[BYTES];
	int fds[2] = { open(a.image, O_RDONLY), open(b.image, O_RDONLY) };

	assert_int_equal(pread(fds[0], left, BYTES, 0), BYTES);
	assert_int_equal(pread(fds[1], right, BYTES, 0), BYTES);
	assert_memory_equal(left, right, BYTES);
	close(fds[0]);
	close(fds[1]);
}

static uint64_t copy(struct side *from, struct side *to)
{
	uint64_t copied = copy_some(from, to, UINT32_MAX);

	assert_same();
	return copied;
}

/* Epochs go on: what was copied is committed. */
static void settle(struct side *from)
{
	struct vm *vm = &from->vm.vm;

	marks_turn(&from->marks, 5);
	vm->ops->committed(vm, 5);
}

/* In sync, and nothing marked anywhere. */
static void begin_in_sync(void)
{
	for (uint8_t i = 1; i < EXTENTS; i += 3)
		write_extent(&a, i, i);
	assert_int_equal(copy(&a, &b), BYTES);
	settle(&a);
	assert_int_equal(copy(&a, &b), 0);
}

/* A backend worker that is taken anew is told again what is not held. */
static void exemptions_are_told_each_worker(void **state)
{
	const struct exempt arp = { .types = { 0x0806 } };
	struct vm *vm = &a.vm.vm;

	start_worker(&a, true);
	assert_true(exempt_is_none(&exempt));
	assert_int_equal(vm->ops->exempt(vm, &arp), 0);
	assert_memory_equal(&exempt, &arp, sizeof(arp));
	devices_leave(&a.vm.devices);
	memset(&exempt, 0, sizeof(exempt));
	assert_int_equal(vm->ops->lease(vm, UINT64_MAX), 0); /* it is taken first */
	assert_memory_equal(&exempt, &arp, sizeof(arp));
}

static void a_first_copy_is_a_full_one(void **state)
{
	begin_in_sync();
}

static void until_it_is_committed_all_is_copied_again(void **state)
{
	write_extent(&a, 3, 1);
	assert_int_equal(copy(&a, &b), BYTES);
	assert_int_equal(copy(&a, &b), BYTES);
	settle(&a);
	write_extent(&a, 30, 1);
	assert_int_equal(copy(&a, &b), KIB(1));
}

static void a_standby_that_was_away_gets_what_it_missed(void **state)
{
	begin_in_sync();
	stop_worker(&b);
	write_extent(&a, 2, 9);
	write_extent(&a, 20, 9);
	write_extent(&a, 2, 10);
	run_at(&a); /* the worker, or the guest, is another one meanwhile */
	write_extent(&a, EXTENTS - 1, 9);
	assert_int_equal(copy(&a, &b), KIB(3));
	settle(&a);
	assert_int_equal(copy(&a, &b), 0);
}

/* a dies with writes that b never heard of; b goes on; a comes back as its standby. */
static void a_primary_that_died_gets_both_differences(void **state)
{
	begin_in_sync();
	write_extent(&a, 10, 1);
	write_extent(&a, 12, 1);
	run_at(&b);
	write_extent(&b, 20, 2);
	write_extent(&b, 12, 2);
	assert_int_equal(copy(&b, &a), KIB(3));
	settle(&b);
	assert_int_equal(copy(&b, &a), 0);
	/* And back. */
	write_extent(&b, 5, 3);
	run_at(&a);
	assert_int_equal(copy(&a, &b), KIB(1));
}

static void a_copy_that_was_cut_off_begins_again(void **state)
{
	begin_in_sync();
	for (unsigned int blocks = 0; blocks < 6; blocks++) {
		write_extent(&a, 10, (uint8_t)blocks);
		run_at(&b);
		write_extent(&b, 20, (uint8_t)blocks);
		write_extent(&b, 30, (uint8_t)blocks);
		copy_some(&b, &a, blocks);
		write_extent(&b, 25, (uint8_t)blocks);
		copy_some(&b, &a, blocks);
		assert_true(copy(&b, &a) <= KIB(4));
		settle(&b);
		copy(&b, &a);
		run_at(&a);
		assert_int_equal(copy(&a, &b), 0);
	}
}

static void a_full_copy_that_was_cut_off_begins_again(void **state)
{
	write_extent(&a, 3, 1);
	write_extent(&b, 4, 1);
	copy_some(&a, &b, 3);
	assert_int_equal(copy(&a, &b), BYTES);
}

static void rewrite(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, "xxxxxxxxxxxxxxxx", 16, at), 16);
	close(fd);
}

static void marks_that_are_lost_mean_everything(void **state)
{
	struct side *sides[] = { &a, &b };

	begin_in_sync();
	for (unsigned int i = 0; i < 2; i++) {
		settle(&a);
		unlink(sides[i]->marks_path);
		assert_int_equal(copy(&a, &b), BYTES);
		settle(&a);
		assert_int_equal(copy(&a, &b), 0);
		rewrite(sides[i]->marks_path, 16);
		assert_int_equal(copy(&a, &b), BYTES);
		settle(&a);
		/* A block of marks that is damaged stands for its extents: here, all. */
		rewrite(sides[i]->marks_path, MARKS_HEADER_BYTES + 100);
		assert_int_equal(copy(&a, &b), BYTES);
	}
}

/* A backup that was put back, or a copy that somebody else made. */
static void another_image_means_everything(void **state)
{
	char other[96];
	int fd;

	begin_in_sync();
	stop_worker(&b);
	snprintf(other, sizeof(other), "%s.new", b.image);
	fd = open(other, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	assert_int_equal(pwrite(fd, "other", 5, 12345), 5);
	close(fd);
	assert_int_equal(rename(other, b.image), 0);
	assert_int_equal(copy(&a, &b), BYTES);
}

/* b was given to another VM's host, and has nothing in common with a any more. */
static void another_peer_means_everything(void **state)
{
	begin_in_sync();
	unlink(a.marks_path);
	copy_some(&a, &b, 0); /* a new pairing, of which b knows */
	unlink(a.marks_path);
	run_at(&a);
	assert_int_equal(copy(&a, &b), BYTES);
}

static void without_a_worker_that_marks_there_is_no_pairing(void **state)
{
	begin_in_sync();
	is_deaf = true;
	assert_int_equal(copy(&a, &b), BYTES);
	assert_int_equal(a.vm.pairing, 0);
	assert_int_equal(access(a.marks_path, F_OK), -1);
	assert_int_equal(access(b.marks_path, F_OK), -1);
	is_deaf = false;
	run_at(&a);
	write_extent(&a, 4, 4); /* nobody notes it */
	assert_int_equal(copy(&a, &b), BYTES);
}

static void without_a_folder_there_is_no_pairing(void **state)
{
	begin_in_sync();
	start_worker(&a, true);
	a.disks.marks = "/proc/nowhere";
	assert_int_equal(a.vm.vm.ops->pairing(&a.vm.vm), 0);
	assert_int_equal(a.vm.vm.ops->attach(&a.vm.vm, 0, ++last_pairing), 0);
	assert_int_equal(a.vm.pairing, 0);
}

/* Random outages of either host at any moment of anything: after each whole copy both are the same. */
static void whatever_happens_both_are_the_same_in_the_end(void **state)
{
	uint64_t copied = 0, copies = 0;

	srand(4);
	begin_in_sync();
	for (unsigned int step = 0; step < 400; step++) {
		struct side *other = runs == &a ? &b : &a;
		int dice = rand() % 16;

		if (dice < 8) {
			write_extent(runs, (unsigned int)rand() % EXTENTS, (uint8_t)rand());
		} else if (dice < 10) {
			copy_some(runs, other, (unsigned int)rand() % 4);
		} else if (dice < 13) {
			copied += copy(runs, other);
			copies++;
			if (dice < 12)
				settle(runs);
			if (dice == 10) {
				write_extent(runs, (unsigned int)rand() % EXTENTS, (uint8_t)rand());
				run_at(other);
			}
		} else if (dice == 13) {
			run_at(runs);
		}
	}
	copy(runs, runs == &a ? &b : &a);
	assert_true(copies > 40 && copied / copies < BYTES / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RESYNC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		RESYNC(exemptions_are_told_each_worker),
		RESYNC(a_first_copy_is_a_full_one),
		RESYNC(until_it_is_committed_all_is_copied_again),
		RESYNC(a_standby_that_was_away_gets_what_it_missed),
		RESYNC(a_primary_that_died_gets_both_differences),
		RESYNC(a_copy_that_was_cut_off_begins_again),
		RESYNC(a_full_copy_that_was_cut_off_begins_again),
		RESYNC(marks_that_are_lost_mean_everything),
		RESYNC(another_image_means_everything),
		RESYNC(another_peer_means_everything),
		RESYNC(without_a_worker_that_marks_there_is_no_pairing),
		RESYNC(without_a_folder_there_is_no_pairing),
		RESYNC(whatever_happens_both_are_the_same_in_the_end),
	};

	log_open("test_resync", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
