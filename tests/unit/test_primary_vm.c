/* The primary's table for a real guest, on a fake hypervisor, a fake worker with real notes, and a fake xenstore. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: tests/unit/fake_hyper.c replication/hyper/hyper.c replication/capture/capture.c replication/xen/primary_vm.c replication/xen/notes.c replication/xen/store_state.c replication/xen/guest_store.c replication/hold/record_log.c common/log.c */

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

#include "replication/hold/door.h"
#include "replication/xen/notes.h"
#include "replication/xen/primary_vm.h"
#include "replication/xen/store_state.h"
#include "replication/xen/worker.h"
#include "tests/unit/fake_hyper.h"

#define DOMAIN  1
#define SECTORS 4096u

static struct fake_hyper fake;
static struct hyper hyper;
static struct primary_vm *vm;
static struct vm *table;

/* --- the xenstore: a guest with one disk and one node of its own, which changes when we say so --- */

static bool has_devices;
static char feature[8];
static int changes;

struct xs_handle *xs_open(unsigned long flags)
{
	return (struct xs_handle *)&fake;
}

void xs_close(struct xs_handle *xs)
{
}

bool xs_watch(struct xs_handle *xs, const char *path, const char *token)
{
	changes++;
	return true;
}

char **xs_check_watch(struct xs_handle *xs)
{
	return changes ? (changes--, malloc(1)) : NULL;
}

void *xs_read(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *length)
{
	const char *value = !strcmp(path, "/local/domain/1/control") ? feature : NULL;

	return value ? strdup(value) : NULL;
}

bool xs_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const void *data,
              unsigned int length)
{
	return false;
}

char **xs_directory(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned int *count)
{
	*count = has_devices && !strcmp(path, "backend/vbd/1");
	return *count ? calloc(1, sizeof(char *)) : NULL;
}

int daemon_rings_find(struct daemon_rings *rings, struct xs_handle *xs, uint32_t domid)
{
	*rings = (struct daemon_rings){ 0xfeffc, 0xfefff, 1, 2 };
	return 0;
}

/* --- the disk --- */

static uint8_t image[SECTORS * WIRE_SECTOR];

int disks_open(struct disks *disks, struct xs_handle *xs, uint32_t domid, bool is_writable)
{
	*disks = (struct disks){ .disks = { { 51712, SECTORS, -1 } }, .count = 1 };
	return 0;
}

int disks_find(const struct disks *disks, uint32_t number)
{
	return number == 51712 ? 0 : -1;
}

int disks_read(const struct disk *disk, uint64_t sector, void *data, uint32_t bytes)
{
	assert_true(sector * WIRE_SECTOR + bytes <= sizeof(image));
	memcpy(data, image + sector * WIRE_SECTOR, bytes);
	return 0;
}

void disks_close(struct disks *disks)
{
	*disks = (struct disks){ 0 };
}

/* --- the worker --- */

static struct {
	int file;
	struct record_log log;
	void *memory;
	uint64_t epoch;
	enum door_kind last;
	int refuse;
	bool is_open;
} worker;

int worker_open(struct worker *asked, unsigned int domid)
{
	*asked = (struct worker){ .socket = 0, .log = worker.file };
	worker.is_open = true;
	return 0;
}

int worker_ask(struct worker *asked, enum door_kind kind, uint64_t epoch)
{
	asked->last = (struct door_message){ .epoch = epoch };
	worker.last = kind;
	if (kind == DOOR_STOP)
		worker.epoch = epoch + 1;
	return kind == DOOR_CUT ? worker.refuse : 0;
}

int worker_tell(struct worker *asked, enum door_kind kind, uint64_t epoch)
{
	worker.last = kind;
	return 0;
}

int worker_hear(struct worker *asked)
{
	return 0;
}

void worker_close(struct worker *asked)
{
	worker.is_open = false;
}

static void note(enum door_note kind, uint32_t disk, uint64_t sector, uint64_t sectors,
                 uint8_t byte)
{
	size_t bytes = kind == NOTE_WRITE ? sectors * WIRE_SECTOR : 0;
	struct door_write head = { .disk = disk, .sector = sector, .sectors = sectors };
	uint8_t *at = record_log_reserve(&worker.log, kind, worker.epoch, sizeof(head) + bytes);

	assert_non_null(at);
	memcpy(at, &head, sizeof(head));
	memset(at + sizeof(head), byte, bytes);
	record_log_publish(&worker.log);
}

static int set_up(void **state)
{
	const struct primary_vm_settings settings = { DOMAIN, 8, "config", 6 };

	fake_open(&fake, &hyper);
	memset(image, 0, sizeof(image));
	memset(&worker, 0, sizeof(worker));
	has_devices = true;
	changes = 0;
	strcpy(feature, "1");
	worker.file = memfd_create("notes", 0);
	assert_int_equal(ftruncate(worker.file, DOOR_LOG_OFFSET + DOOR_LOG_BYTES), 0);
	worker.memory = mmap(NULL, DOOR_LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, worker.file,
	                     DOOR_LOG_OFFSET);
	assert_int_equal(record_log_open(&worker.log, worker.memory, DOOR_LOG_BYTES, false), 0);
	worker.epoch = 1;
	for (unsigned int gfn = 0; gfn < 600; gfn++)
		fake_write(fake_domain(&fake, DOMAIN), gfn, (uint8_t)gfn);
	assert_int_equal(primary_vm_open(&vm, &hyper, &settings), 0);
	table = primary_vm_table(vm);
	return 0;
}

static int tear_down(void **state)
{
	primary_vm_close(vm);
	munmap(worker.memory, DOOR_LOG_BYTES);
	close(worker.file);
	fake_close(&fake, &hyper);
	return 0;
}

static unsigned int drain(void)
{
	struct encode_page pages[WIRE_PAGES_MAX];
	unsigned int sum = 0;
	int count;

	while ((count = table->ops->fetch(table, pages, 100)) > 0) {
		assert_true(count <= 100);
		for (int i = 0; i < count; i++)
			assert_true(!pages[i].contents ||
			            pages[i].contents[4095] == pages[i].contents[0]);
		sum += (unsigned int)count;
	}
	assert_int_equal(count, 0);
	return sum;
}

static void boundary(uint64_t epoch)
{
	struct vm_cut cut;

	assert_int_equal(table->ops->stop(table, epoch), 0);
	assert_int_equal(table->ops->capture(table, &cut), 0);
	assert_int_equal(table->ops->go(table, epoch), 0);
	assert_int_equal(drain(), cut.pages);
}

static void test_memory_and_state(void **state)
{
	const void *bytes;
	uint32_t size;

	assert_int_equal(table->ops->attach(table), 0);
	assert_int_equal(drain(), 600);
	fake_write(fake_domain(&fake, DOMAIN), 5, 1);
	fake_balloon(fake_domain(&fake, DOMAIN), 6);
	fake_domain(&fake, DOMAIN)->state[0] = 9;
	boundary(1);
	assert_int_equal(table->ops->state(table, WIRE_STATE_DOMAIN, &bytes, &size), 0);
	assert_int_equal(size, FAKE_STATE);
	assert_int_equal(*(const uint8_t *)bytes, 9);
	assert_int_equal(table->ops->state(table, WIRE_STATE_CONFIG, &bytes, &size), 0);
	assert_int_equal(size, 6);
	assert_int_equal(table->ops->state(table, WIRE_STATE_DEVICES, &bytes, &size), 0);
	assert_int_equal(size, 0);
	/* Attached anew, all of it comes again. */
	assert_int_equal(table->ops->attach(table), 0);
	assert_int_equal(drain(), 599);
}

static void test_xenstore_goes_and_comes(void **state)
{
	struct daemon_rings rings;
	struct guest_store store;
	const void *bytes;
	uint8_t copy[256];
	uint32_t size;

	assert_int_equal(table->ops->attach(table), 0);
	drain();
	boundary(1);
	strcpy(feature, "2");
	boundary(2);
	assert_int_equal(table->ops->state(table, WIRE_STATE_STORE, &bytes, &size), 0);
	assert_int_equal(store_state_parse(bytes, size, &rings, &store), 0);
	assert_int_equal(rings.store_port, 1);
	assert_int_equal(store.count, 1);
	assert_string_equal(store.nodes[0].value, "1"); /* nobody said that it had changed */
	guest_store_free(&store);
	changes = 1;
	boundary(3);
	assert_int_equal(table->ops->state(table, WIRE_STATE_STORE, &bytes, &size), 0);
	assert_int_equal(store_state_parse(bytes, size, &rings, &store), 0);
	assert_string_equal(store.nodes[0].value, "2");
	guest_store_free(&store);
	/* Cut short or longer it is none; nor with a path that leads elsewhere. */
	memcpy(copy, bytes, size);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(store_state_parse(copy, i, &rings, &store), -EPROTO);
	copy[size] = 0;
	assert_int_equal(store_state_parse(copy, size + 1, &rings, &store), -EPROTO);
	assert_int_equal(guest_store_add(&store, "name", "x"), -EPROTO);
	assert_int_equal(guest_store_add(&store, "data//x", "x"), -EPROTO);
	assert_int_equal(guest_store_add(&store, "data/", "x"), -EPROTO);
	assert_int_equal(guest_store_add(&store, "data/\n", "x"), -EPROTO);
	assert_int_equal(guest_store_add(&store, "database", "x"), -EPROTO);
	guest_store_free(&store);
}

static void test_disk_writes_by_epoch(void **state)
{
	struct disk_write write;

	note(NOTE_WRITE, 51712, 1, 1, 0x11); /* before us: it is in the image */
	assert_int_equal(table->ops->attach(table), 0);
	drain();
	note(NOTE_WRITE, 51712, 8, 2, 0x22);
	note(NOTE_FLUSH, 51712, 0, 0, 0);
	note(NOTE_DISCARD, 51712, 16, DISK_ZERO_SECTORS_MAX + 1, 0);
	boundary(1);
	note(NOTE_WRITE, 51712, 9, 1, 0x33);
	assert_int_equal(table->ops->write(table, 1, &write), 1);
	assert_int_equal(write.op, WIRE_DISK_DATA);
	assert_int_equal(write.sector, 8);
	assert_int_equal(write.size, 1024);
	assert_int_equal(write.data[1023], 0x22);
	assert_int_equal(table->ops->write(table, 1, &write), 1);
	assert_int_equal(write.op, WIRE_DISK_ZERO);
	assert_int_equal(write.sectors, DISK_ZERO_SECTORS_MAX);
	assert_int_equal(table->ops->write(table, 1, &write), 1);
	assert_int_equal(write.sector, 16 + DISK_ZERO_SECTORS_MAX);
	assert_int_equal(write.sectors, 1);
	assert_int_equal(table->ops->write(table, 1, &write), 0);
	assert_int_equal(table->ops->write(table, 2, &write), 1);
	assert_int_equal(write.data[0], 0x33);
	note(NOTE_WRITE, 7, 9, 1, 0x33);
	assert_int_equal(table->ops->write(table, 2, &write), -ENODEV);
}

static void test_first_copy_of_disks(void **state)
{
	struct disk_write block;
	uint64_t sectors = 0;

	image[3 << 19] = 1;
	assert_int_equal(table->ops->attach(table), 0);
	for (int round = 0; table->ops->sync(table, &block) == 1; round++) {
		assert_int_equal(block.sector, sectors);
		assert_int_equal(block.op, round == 1 ? WIRE_DISK_DATA : WIRE_DISK_ZERO);
		sectors += block.sectors;
	}
	assert_int_equal(sectors, SECTORS);
	assert_int_equal(table->ops->attach(table), 0);
	assert_int_equal(table->ops->sync(table, &block), 1);
	assert_int_equal(block.sector, 0);
}

static void test_worker_is_asked(void **state)
{
	assert_int_equal(table->ops->attach(table), 0);
	drain();
	assert_int_equal(table->ops->hold(table), 0);
	assert_int_equal(worker.last, DOOR_HOLD);
	worker.refuse = -ETIME;
	assert_int_equal(table->ops->stop(table, 1), 0);
	assert_int_equal(table->ops->go(table, 1), -ETIME);
	assert_int_equal(table->ops->release(table, 1), 0);
	assert_int_equal(worker.last, DOOR_RELEASE);
	table->ops->detach(table);
	assert_true(worker.is_open); /* what is held stays ours to release */
	assert_int_equal(table->ops->free(table), 0);
	table->ops->detach(table);
	assert_false(worker.is_open);
}

static void test_guest_without_devices(void **state)
{
	struct disk_write write;

	has_devices = false;
	assert_int_equal(table->ops->attach(table), 0);
	assert_false(worker.is_open);
	assert_int_equal(drain(), 600);
	assert_int_equal(table->ops->hold(table), 0);
	boundary(1);
	assert_int_equal(table->ops->write(table, 1, &write), 0);
	assert_int_equal(table->ops->sync(table, &write), 0);
	assert_int_equal(table->ops->release(table, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_memory_and_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_xenstore_goes_and_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk_writes_by_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_first_copy_of_disks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_worker_is_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_guest_without_devices, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
