/* The primary's table for a real guest: each entry asks who knows. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/xen/primary_vm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/capture/capture.h"
#include "replication/xen/notes.h"
#include "replication/xen/store_state.h"
#include "replication/xen/worker.h"

#define SYNC_BYTES DISK_WRITE_BYTES_MAX

struct primary_vm {
	struct vm vm;
	struct primary_vm_settings settings;
	struct hyper *hyper;
	struct capture capture;
	uint32_t batch_at; /* pages of the batch that were given */
	struct worker worker;
	bool has_worker, is_taken, is_held;
	struct xs_handle *xs;
	struct store_state store;
	struct disks disks;
	struct notes notes;
	uint32_t sync_disk;
	uint64_t sync_sector;
	uint8_t *sync_data;
};

static struct primary_vm *of(struct vm *vm)
{
	return (struct primary_vm *)vm;
}

static int failed(const struct primary_vm *vm, const char *what, int err)
{
	log_error("guest %u: cannot %s: %s", vm->settings.domid, what, strerror(-err));
	return err;
}

/* --- the worker --- */

static int take(struct primary_vm *vm)
{
	int err = vm->has_worker ? 0 : worker_open(&vm->worker, vm->settings.domid);

	if (err)
		return err;
	vm->has_worker = true;
	err = worker_ask(&vm->worker, DOOR_TAKE, 1);
	if (err)
		return err;
	vm->is_taken = true;
	vm->is_held = vm->worker.last.flags & DOOR_IS_HOLDING;
	return disks_open(&vm->disks, vm->xs, vm->settings.domid, false);
}

static void let_go(struct primary_vm *vm)
{
	notes_close(&vm->notes);
	disks_close(&vm->disks);
	if (vm->has_worker)
		worker_close(&vm->worker);
	vm->has_worker = vm->is_taken = false;
}

static int ask(struct primary_vm *vm, enum door_kind kind, uint64_t epoch)
{
	return vm->is_taken ? worker_ask(&vm->worker, kind, epoch) : 0;
}

/* Whether the guest has devices is the xenstore's to say. */
static bool wants_worker(struct primary_vm *vm)
{
	return store_state_has_devices(vm->xs, vm->settings.domid);
}

/* From here on writes are told, or copied by sync(): what was noted before is in the images. */
static int take_worker(struct primary_vm *vm)
{
	int err = 0;

	if (!vm->is_taken && wants_worker(vm)) {
		err = take(vm);
		if (err) {
			let_go(vm);
			return failed(vm, "take its worker", err);
		}
	}
	notes_close(&vm->notes);
	vm->sync_disk = 0;
	vm->sync_sector = 0;
	if (vm->is_taken)
		err = notes_open(&vm->notes, vm->worker.log, 0);
	if (!err && vm->is_taken)
		vm->notes.position = record_log_tail(&vm->notes.log);
	return err ? failed(vm, "read its notes", err) : 0;
}

/* --- the table --- */

static int attach(struct vm *table)
{
	struct primary_vm *vm = of(table);
	const struct capture_limits limits = {
		.twins = vm->settings.twins,
		.batch_pages = WIRE_PAGES_MAX,
		.wants_old = true,
	};
	int err;

	capture_end(&vm->capture);
	vm->batch_at = 0;
	err = take_worker(vm);
	if (err)
		return err;
	err = capture_begin(&vm->capture, vm->hyper, (uint16_t)vm->settings.domid, &limits);
	return err ? failed(vm, "capture it", err) : 0;
}

static void detach(struct vm *table)
{
	struct primary_vm *vm = of(table);

	capture_end(&vm->capture);
	/* Hanging up ends the noting. */
	if (!vm->is_held)
		let_go(vm);
}

static int hold(struct vm *table)
{
	struct primary_vm *vm = of(table);
	int err = ask(vm, DOOR_HOLD, 0);

	if (!err)
		vm->is_held = vm->is_taken;
	return err ? failed(vm, "hold its output", err) : 0;
}

static int free_output(struct vm *table)
{
	struct primary_vm *vm = of(table);
	int err = ask(vm, DOOR_FREE, 0);

	if (!err)
		vm->is_held = false;
	return err ? failed(vm, "free its output", err) : 0;
}

static int stop(struct vm *table, uint64_t epoch)
{
	struct primary_vm *vm = of(table);
	int err = ask(vm, DOOR_STOP, epoch);

	return err ? failed(vm, "have its devices stand still", err) : 0;
}

static int capture(struct vm *table, struct vm_cut *cut)
{
	struct primary_vm *vm = of(table);
	int err = capture_cut(&vm->capture);

	vm->batch_at = vm->capture.batch.count = 0;
	if (!err)
		err = store_state_refresh(&vm->store, vm->xs, vm->settings.domid);
	if (err)
		return failed(vm, "capture it", err);
	cut->pages = vm->capture.cut.dirty;
	cut->time = vm->capture.cut.time;
	return 0;
}

static int go(struct vm *table, uint64_t epoch)
{
	struct primary_vm *vm = of(table);
	int err = ask(vm, DOOR_CUT, epoch);

	return err ? failed(vm, "have its devices go on", err) : 0;
}

static void give_page(const struct hyper_pages *batch, uint32_t i, struct encode_page *page)
{
	const struct checkpoint_page *from = &batch->pages[i];
	size_t offset = (size_t)i * HYPER_PAGE_SIZE;

	page->gfn = from->gfn;
	page->contents = from->flags & CHECKPOINT_PAGE_ABSENT ? NULL : batch->contents + offset;
	page->old = from->flags & CHECKPOINT_PAGE_OLD ? batch->old + offset : NULL;
}

static int fetch(struct vm *table, struct encode_page *pages, uint32_t room)
{
	struct primary_vm *vm = of(table);
	const struct hyper_pages *batch = &vm->capture.batch;
	uint32_t given = 0;

	if (vm->batch_at == batch->count) {
		int count = capture_next(&vm->capture);

		vm->batch_at = 0;
		if (count <= 0)
			vm->capture.batch.count = 0;
		if (count < 0)
			return failed(vm, "take its pages", count);
	}
	while (given < room && vm->batch_at < batch->count)
		give_page(batch, vm->batch_at++, &pages[given++]);
	return (int)given;
}

static uint64_t dirty(struct vm *table)
{
	(void)table;
	return 0;
}

static int state(struct vm *table, enum wire_state_kind kind, const void **bytes, uint32_t *size)
{
	struct primary_vm *vm = of(table);

	*size = 0;
	switch (kind) {
	case WIRE_STATE_DOMAIN:
		return capture_state(&vm->capture, bytes, size);
	case WIRE_STATE_STORE:
		*bytes = vm->store.bytes;
		*size = vm->store.size;
		return 0;
	case WIRE_STATE_CONFIG:
		*bytes = vm->settings.config;
		*size = vm->settings.config_size;
		return 0;
	default:
		return 0;
	}
}

static int write_(struct vm *table, uint64_t epoch, struct disk_write *write)
{
	struct primary_vm *vm = of(table);
	int err = notes_next(&vm->notes, &vm->disks, epoch, write);

	return err < 0 ? failed(vm, "read what it wrote to its disks", err) : err;
}

static bool is_zero(const uint8_t *data, uint32_t bytes)
{
	return !*data && !memcmp(data, data + 1, bytes - 1);
}

static int sync_block(struct primary_vm *vm, const struct disk *disk, struct disk_write *block)
{
	uint64_t left = disk->sectors - vm->sync_sector;
	uint32_t sectors = left < SYNC_BYTES / WIRE_SECTOR ? (uint32_t)left
	                                                   : SYNC_BYTES / WIRE_SECTOR;
	uint32_t bytes = sectors * WIRE_SECTOR;
	int err = disks_read(disk, vm->sync_sector, vm->sync_data, bytes);

	if (err)
		return failed(vm, "read its disk", err);
	*block = (struct disk_write){
		.disk = (uint16_t)vm->sync_disk,
		.op = WIRE_DISK_DATA,
		.sector = vm->sync_sector,
		.sectors = sectors,
		.data = vm->sync_data,
		.size = bytes,
	};
	if (is_zero(vm->sync_data, bytes)) {
		block->op = WIRE_DISK_ZERO;
		block->data = NULL;
		block->size = 0;
	}
	vm->sync_sector += sectors;
	return 1;
}

static int sync_(struct vm *table, struct disk_write *block)
{
	struct primary_vm *vm = of(table);

	for (; vm->sync_disk < vm->disks.count; vm->sync_disk++, vm->sync_sector = 0) {
		const struct disk *disk = &vm->disks.disks[vm->sync_disk];

		if (vm->sync_sector < disk->sectors)
			return sync_block(vm, disk, block);
	}
	return 0;
}

static int release(struct vm *table, uint64_t epoch)
{
	struct primary_vm *vm = of(table);

	return vm->is_taken ? worker_tell(&vm->worker, DOOR_RELEASE, epoch) : 0;
}

static int forget(struct vm *table, uint64_t epoch)
{
	struct primary_vm *vm = of(table);

	return vm->is_taken ? worker_tell(&vm->worker, DOOR_FORGET, epoch) : 0;
}

static const struct vm_ops ops = {
	.attach = attach,
	.detach = detach,
	.hold = hold,
	.free = free_output,
	.stop = stop,
	.capture = capture,
	.go = go,
	.fetch = fetch,
	.dirty = dirty,
	.state = state,
	.write = write_,
	.sync = sync_,
	.release = release,
	.forget = forget,
};

/* --- life --- */

int primary_vm_open(struct primary_vm **result, struct hyper *hyper,
                    const struct primary_vm_settings *settings)
{
	struct primary_vm *vm = calloc(1, sizeof(*vm));
	int err = -ENOMEM;

	if (!vm)
		return err;
	vm->vm.ops = &ops;
	vm->settings = *settings;
	vm->hyper = hyper;
	vm->worker.socket = vm->worker.log = -1;
	vm->sync_data = malloc(SYNC_BYTES);
	vm->xs = vm->sync_data ? xs_open(0) : NULL;
	if (!vm->xs)
		err = vm->sync_data ? -errno : -ENOMEM;
	else
		err = store_state_watch(&vm->store, vm->xs, settings->domid);
	if (err) {
		failed(vm, "open what is known of it", err);
		primary_vm_close(vm);
		return err;
	}
	*result = vm;
	return 0;
}

void primary_vm_close(struct primary_vm *vm)
{
	if (!vm)
		return;
	capture_end(&vm->capture);
	let_go(vm);
	store_state_free(&vm->store);
	if (vm->xs)
		xs_close(vm->xs);
	free(vm->sync_data);
	free(vm);
}

struct vm *primary_vm_table(struct primary_vm *vm)
{
	return &vm->vm;
}

int primary_vm_fd(const struct primary_vm *vm)
{
	return vm->has_worker ? vm->worker.socket : -1;
}

int primary_vm_hear(struct primary_vm *vm, bool *is_wanted)
{
	int err = vm->has_worker ? worker_hear(&vm->worker) : 0;

	*is_wanted = vm->worker.is_wanted;
	if (err == -EPIPE)
		let_go(vm);
	return err;
}

bool primary_vm_is_held(const struct primary_vm *vm)
{
	return vm->is_held;
}
