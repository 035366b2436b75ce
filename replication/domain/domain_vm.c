/* A running domain of this host as its primary wants it: the hypervisor's epochs, its devices, its disks. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/domain_vm.h"

#include <errno.h>

#include "common/log.h"
#include "replication/domain/domctl.h"
#include "replication/domain/notes.h"
#include "replication/domain/pairing.h"

static struct domain_vm *domain_of(struct vm *vm)
{
	return (struct domain_vm *)vm;
}

/* A worker that died is followed by one that has what it held; taken anew, it tells its notes from the first on. */
static int take_devices(struct domain_vm *vm)
{
	int err;

	if (!vm->has_devices || vm->devices.door >= 0)
		return 0;
	err = devices_take(&vm->devices, vm->domain, vm->epoch);
	if (!err && vm->devices.epoch > vm->epoch)
		vm->epoch = vm->devices.epoch;
	if (!err && vm->lease != UINT64_MAX)
		err = devices_lease(&vm->devices, vm->lease, false);
	if (!err)
		err = devices_exempt(&vm->devices, &vm->exempt);
	return err;
}

static int ask_devices(struct domain_vm *vm, enum door_kind kind, uint64_t epoch)
{
	return vm->has_devices ? devices_ask(&vm->devices, kind, epoch) : 0;
}

/* The hypervisor keeps the log of a worker that was killed. No other lives: of each VM remusd starts one at a time, and the
 * backend worker lets one in. */
static int begin_capture(struct domain_vm *vm)
{
	int err = capture_begin(&vm->capture, vm->hyper, vm->domain, &vm->limits);

	if (err != -EBUSY || hyper_detach(vm->hyper, vm->domain))
		return err;
	return capture_begin(&vm->capture, vm->hyper, vm->domain, &vm->limits);
}

static bool has_marks(const struct domain_vm *vm)
{
	return vm->has_devices && vm->disks->marks && vm->disks->count;
}

/* What is marked from now on is ours to read, once the backend worker keeps those files. */
static bool go_on_pairing(struct domain_vm *vm, uint64_t pairing)
{
	return pairing && ask_devices(vm, DOOR_PAIR, pairing) == 0 &&
	       pairing_load(vm->disks, pairing) == 0;
}

static bool begin_pairing(struct domain_vm *vm, uint64_t pairing)
{
	if (pairing_make(vm->disks, pairing, true))
		return false;
	if (ask_devices(vm, DOOR_PAIR, pairing) == 0)
		return true;
	pairing_remove(vm->disks);
	return false;
}

static void pair_disks(struct domain_vm *vm, uint64_t common, uint64_t new)
{
	vm->pairing = 0;
	pairing_forget(vm->disks);
	if (!has_marks(vm))
		return;
	if (go_on_pairing(vm, common)) {
		vm->pairing = common;
		log_info(
			"disks: %llu KiB are marked here, and what is marked there is copied as well",
			(unsigned long long)images_bytes(vm->disks) >> 10);
	} else if (begin_pairing(vm, new)) {
		vm->pairing = new;
		log_info("disks: a full copy: %s",
		         common ? "marks cannot be gone on with"
		                : "those of the two hosts have nothing in common");
	} else {
		log_warning("disks: a full copy, and marks of what is written cannot be kept: "
		            "another one will follow the next outage");
	}
}

static uint64_t pairing(struct vm *base)
{
	struct domain_vm *vm = domain_of(base);

	return has_marks(vm) ? pairing_find(vm->disks) : 0;
}

static int differ(struct vm *base, uint32_t disk, const uint8_t *bits, uint32_t size)
{
	struct domain_vm *vm = domain_of(base);
	int err = pairing_add(vm->disks, disk, bits, size);

	if (!err)
		log_info("disk %s: with what is marked there, %llu KiB of all disks are copied",
		         vm->disks->disk[disk].path,
		         (unsigned long long)images_bytes(vm->disks) >> 10);
	return err;
}

static void committed(struct vm *base, uint64_t epoch)
{
	ask_devices(domain_of(base), DOOR_COMMITTED, epoch);
}

static int attach(struct vm *base, uint64_t common, uint64_t new)
{
	struct domain_vm *vm = domain_of(base);
	int err;

	capture_end(&vm->capture);
	vm->discard.sectors = 0;
	images_rewind(vm->disks);
	if (vm->estate)
		vm->estate->ops->renew(vm->estate);
	err = take_devices(vm);
	if (!err)
		pair_disks(vm, common, new);
	return err ? err : begin_capture(vm);
}

static void detach(struct vm *base)
{
	struct domain_vm *vm = domain_of(base);

	capture_end(&vm->capture);
	if (!vm->devices.is_held)
		devices_leave(&vm->devices);
}

static int hold(struct vm *base)
{
	return ask_devices(domain_of(base), DOOR_HOLD, 0);
}

static int free_output(struct vm *base)
{
	struct domain_vm *vm = domain_of(base);
	int err = take_devices(vm);

	return err ? err : ask_devices(vm, DOOR_FREE, 0);
}

/* A longer one need not be waited for; a shorter one is kept to when this returns. */
static int lease(struct vm *base, uint64_t until)
{
	struct domain_vm *vm = domain_of(base);
	bool is_awaited = until < vm->lease;

	vm->lease = until;
	if (!vm->has_devices)
		return 0;
	return vm->devices.door < 0 ? take_devices(vm)
	                            : devices_lease(&vm->devices, until, is_awaited);
}

static int exempt(struct vm *base, const struct exempt *exempt)
{
	struct domain_vm *vm = domain_of(base);

	vm->exempt = *exempt;
	if (!vm->has_devices)
		return 0;
	return vm->devices.door < 0 ? take_devices(vm) : devices_exempt(&vm->devices, exempt);
}

static int pause(struct vm *base)
{
	return domctl_pause(domain_of(base)->domain);
}

static int resume(struct vm *base)
{
	return domctl_unpause(domain_of(base)->domain);
}

static uint64_t size(struct vm *base)
{
	const struct domain_vm *vm = domain_of(base);

	return domctl_bytes(vm->domain) + images_bytes(vm->disks);
}

static uint64_t disks(struct vm *base)
{
	return images_bytes(domain_of(base)->disks);
}

static struct vm_held held(struct vm *base)
{
	const struct devices *devices = &domain_of(base)->devices;

	return (struct vm_held){ .bytes = (uint64_t)devices->held_kib << 10,
		                 .frames = devices->held_frames };
}

static int stop(struct vm *base, uint64_t epoch)
{
	struct domain_vm *vm = domain_of(base);
	int err = ask_devices(vm, DOOR_STOP, epoch);

	if (!err)
		vm->epoch = epoch + 1;
	return err;
}

static int capture(struct vm *base, struct vm_cut *cut)
{
	struct domain_vm *vm = domain_of(base);
	int err = vm->estate ? vm->estate->ops->take(vm->estate) : 0;

	if (!err)
		err = capture_cut(&vm->capture);
	if (err)
		return err;
	*cut = (struct vm_cut){ .pages = vm->capture.cut.dirty,
		                .time = vm->capture.cut.time,
		                .pause = vm->capture.cut.pause };
	return 0;
}

static int go(struct vm *base, uint64_t epoch)
{
	return ask_devices(domain_of(base), DOOR_CUT, epoch);
}

static int fetch(struct vm *base, struct encode_page *pages, uint32_t room)
{
	struct capture *capture = &domain_of(base)->capture;
	int count = capture_next(capture);
	const struct hyper_pages *batch = capture->batch;

	if (count < 0)
		return count;
	if ((uint32_t)count > room)
		return -EPROTO;
	for (int i = 0; i < count; i++) {
		size_t at = (size_t)i * HYPER_PAGE_SIZE;
		uint32_t flags = batch->pages[i].flags;

		pages[i] = (struct encode_page){
			.gfn = batch->pages[i].gfn,
			.contents = flags & CHECKPOINT_PAGE_ABSENT ? NULL : batch->contents + at,
			.old = flags & CHECKPOINT_PAGE_OLD ? batch->old + at : NULL,
		};
	}
	return count;
}

/* A domain that is about to go, or another operation on it: not known, and asked again soon. */
static uint64_t dirty(struct vm *base)
{
	struct domain_vm *vm = domain_of(base);
	uint32_t pages = 0;

	return hyper_written(vm->capture.hyper, vm->capture.domain, &pages) ? 0 : pages;
}

static int state(struct vm *base, enum wire_state_kind kind, const void **bytes, uint32_t *size)
{
	struct domain_vm *vm = domain_of(base);

	*size = 0;
	if (kind == WIRE_STATE_DOMAIN)
		return capture_state(&vm->capture, bytes, size);
	if (vm->estate)
		vm->estate->ops->tell(vm->estate, kind, bytes, size);
	return 0;
}

/* The receiver bounds zeroes: a long discard goes in pieces. */
static int give_discard(struct domain_vm *vm, struct disk_write *write)
{
	*write = vm->discard;
	if (write->sectors > DISK_ZERO_SECTORS_MAX)
		write->sectors = DISK_ZERO_SECTORS_MAX;
	vm->discard.sector += write->sectors;
	vm->discard.sectors -= write->sectors;
	return 1;
}

/* 1: *write is what the note tells; 0: it is none to be told; or a negative errno. */
static int tell_note(struct domain_vm *vm, const struct record *note, struct disk_write *write)
{
	int result = note_read(vm->disks, note, write);

	if (result <= 0 || write->op != WIRE_DISK_ZERO)
		return result;
	vm->discard = *write;
	return give_discard(vm, write);
}

static int next_write(struct vm *base, uint64_t epoch, struct disk_write *write)
{
	struct domain_vm *vm = domain_of(base);
	const struct record *note;
	int result = 0;

	if (vm->discard.sectors)
		return give_discard(vm, write);
	while (result == 0 && (note = devices_note(&vm->devices, epoch)))
		result = tell_note(vm, note, write);
	return result;
}

/* What was noted and told may not have reached the image when the block was read: the kernel has it still. Such notes are not
 * dropped before it has (I2). What has come later and was not told yet may be undone by this: it will be told, behind it. */
static int lay_notes(struct domain_vm *vm, const struct disk_write *block)
{
	struct disk_write write;
	const struct record *note;
	uint64_t position = 0;

	while ((note = devices_told(&vm->devices, &position))) {
		int result = note_read(vm->disks, note, &write);

		if (result < 0)
			return result;
		if (result)
			note_lay(&write, block, vm->disks->block);
	}
	return 0;
}

static int sync_disks(struct vm *base, struct disk_write *block)
{
	struct domain_vm *vm = domain_of(base);
	int more = images_block(vm->disks, block);
	int err = more > 0 ? lay_notes(vm, block) : 0;

	if (err || more <= 0)
		return err ? err : more;
	images_shorten(block);
	return 1;
}

static int release(struct vm *base, uint64_t epoch)
{
	return ask_devices(domain_of(base), DOOR_RELEASE, epoch);
}

static int forget(struct vm *base, uint64_t epoch)
{
	return ask_devices(domain_of(base), DOOR_FORGET, epoch);
}

static const struct vm_ops ops = {
	.attach = attach,
	.pairing = pairing,
	.differ = differ,
	.committed = committed,
	.detach = detach,
	.hold = hold,
	.free = free_output,
	.lease = lease,
	.exempt = exempt,
	.pause = pause,
	.resume = resume,
	.held = held,
	.size = size,
	.disks = disks,
	.stop = stop,
	.capture = capture,
	.go = go,
	.fetch = fetch,
	.dirty = dirty,
	.state = state,
	.write = next_write,
	.sync = sync_disks,
	.release = release,
	.forget = forget,
};

int domain_vm_open(struct domain_vm *vm, struct hyper *hyper, struct images *disks, uint16_t domain,
                   bool has_devices, bool is_leased, uint32_t twins)
{
	*vm = (struct domain_vm){
		.vm = { .ops = &ops, .batches = 1 },
		.hyper = hyper,
		.disks = disks,
		.domain = domain,
		.has_devices = has_devices,
		.limits = { .twins = twins,
		            .batch_pages = CHECKPOINT_PAGES_MAX,
		            .batches = 1,
		            .wants_old = 1 },
		.epoch = 2, /* epoch numbers begin at 1, and the one before the open one is one */
		.lease = is_leased ? 0 : UINT64_MAX,
	};
	devices_init(&vm->devices);
	return take_devices(vm);
}

void domain_vm_keep(struct domain_vm *vm, uint32_t batches)
{
	vm->vm.batches = vm->limits.batches = batches;
}

void domain_vm_close(struct domain_vm *vm)
{
	capture_end(&vm->capture);
	devices_leave(&vm->devices);
}
