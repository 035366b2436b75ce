/* A VM that obeys a small program, and what its primary asks of it: the hypervisor and the backend worker, simulated. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_guest *guest_of(struct vm *vm)
{
	return (struct sim_guest *)vm;
}

static bool has_fault(const struct sim_guest *guest)
{
	return guest->fault_rate && sim_once_in(guest->fault_rate);
}

/* --- the program --- */

static void write_memory(struct sim_guest *guest)
{
	uint32_t page = (uint32_t)(sim_random() % SIM_PAGES);
	uint32_t line = (uint32_t)(sim_random() % (WIRE_PAGE_SIZE / WIRE_LINE_SIZE));
	uint64_t value = sim_once_in(4) ? 0 : guest->state.counter;

	if (sim_once_in(16)) {
		for (uint32_t i = 0; i < WIRE_PAGE_SIZE / sizeof(value); i++) {
			value = sim_random();
			memcpy(guest->memory.pages[page] + i * sizeof(value), &value,
			       sizeof(value));
		}
	} else if (sim_once_in(16))
		memset(guest->memory.pages[page], (int)value, WIRE_PAGE_SIZE);
	else
		memcpy(guest->memory.pages[page] + line * WIRE_LINE_SIZE, &value, sizeof(value));
	guest->dirty[page] = true;
}

static void serve(struct sim_guest *guest)
{
	for (unsigned int i = 0; i < guest->ring_count; i++) {
		const struct sim_request *request = &guest->ring[i];

		if (request->is_packet && guest->is_holding) {
			unsigned int at = (guest->held_first + guest->held_count++) % SIM_HELD;

			SIM_CHECK(guest->held_count < SIM_HELD,
			          "too much is held for the simulation");
			guest->held[at].packet = request->number;
			guest->held[at].epoch = guest->open;
		} else if (request->is_packet) {
			world_packet(request->number, false);
		} else {
			uint8_t *sector = guest->disk.sectors[request->sector];
			struct sim_note *note = &guest->notes[guest->note_end % SIM_HELD];

			guest->marks.marked[request->sector] = true;
			guest->fresh[request->sector] = true;
			memcpy(sector, &request->number, sizeof(request->number));
			if (!guest->is_noting && !guest->is_holding)
				continue;
			SIM_CHECK(guest->note_end - guest->note_first < SIM_HELD, "too many notes");
			note->epoch = guest->open;
			note->sector = request->sector;
			memcpy(note->contents, sector, WIRE_SECTOR);
			guest->note_end++;
		}
	}
	guest->ring_count = 0;
}

void guest_step(struct sim_guest *guest)
{
	struct sim_request *request = &guest->ring[guest->ring_count];
	uint64_t dice = sim_random() % 4;

	if (guest->is_paused)
		return;
	guest->state.counter++;
	if (dice < 2 || guest->ring_count == SIM_RING) {
		write_memory(guest);
		return;
	}
	request->is_packet = dice == 2;
	request->number = request->is_packet ? guest->state.sent++ : guest->state.counter;
	request->sector = (uint32_t)(sim_random() % SIM_SECTORS);
	guest->ring_count++;
	if (!guest->is_stopped)
		serve(guest);
}

static void some_steps(struct sim_guest *guest)
{
	for (uint64_t i = sim_random() % 3; i; i--)
		guest_step(guest);
}

/* --- the hypervisor --- */

static void pair_disks(struct sim_guest *guest, uint64_t common, uint64_t new)
{
	bool is_same = common && common == guest->marks.pairing && !has_fault(guest);

	if (is_same) {
		memcpy(guest->todo, guest->marks.marked, sizeof(guest->todo));
		return;
	}
	memset(guest->todo, 1, sizeof(guest->todo));
	memset(guest->marks.marked, 1, sizeof(guest->marks.marked));
	guest->marks.pairing = has_fault(guest) ? 0 : new;
	guest->turn = 0;
}

static int attach(struct vm *vm, uint64_t common, uint64_t new)
{
	struct sim_guest *guest = guest_of(vm);

	guest->is_attached = false;
	guest->is_noting = true;
	pair_disks(guest, common, new);
	if (has_fault(guest))
		return -ENOMEM;
	guest->is_attached = true;
	guest->cut = guest->memory;
	memset(guest->dirty, 0, sizeof(guest->dirty));
	memset(guest->has_old, 0, sizeof(guest->has_old));
	memset(guest->ended, 1, sizeof(guest->ended));
	guest->synced = 0;
	return 0;
}

static void detach(struct vm *vm)
{
	struct sim_guest *guest = guest_of(vm);

	guest->is_attached = guest->is_noting = false;
	if (!guest->is_holding)
		guest->note_first = guest->note_told = guest->note_end;
}

static void take_snapshot(struct sim_guest *guest)
{
	struct sim_snapshot *snapshot = &guest->snapshots[(guest->open - 1) % SIM_SNAPSHOTS];

	snapshot->epoch = guest->open - 1;
	snapshot->state = guest->state;
	snapshot->memory = guest->memory;
	snapshot->disk = guest->disk;
}

static int capture(struct vm *vm, struct vm_cut *cut)
{
	struct sim_guest *guest = guest_of(vm);

	SIM_CHECK(guest->is_attached, "a capture of what is not attached");
	some_steps(guest);
	if (guest->is_stopped && guest->fault_rate && sim_once_in(8)) {
		/* The holder is slow: devices went on by themselves. */
		guest->is_stopped = false;
		guest->is_expired = true;
		serve(guest);
	}
	if (has_fault(guest))
		return -ENODATA;
	for (unsigned int i = 0; i < SIM_PAGES; i++) {
		SIM_CHECK(!guest->ended[i], "a capture before all pages were fetched");
		guest->ended[i] = guest->dirty[i];
		cut->pages += guest->dirty[i];
		guest->dirty[i] = false;
		guest->has_old[i] = true;
	}
	guest->old = guest->cut;
	guest->cut = guest->memory;
	guest->cut_state = guest->state;
	take_snapshot(guest);
	some_steps(guest);
	cut->pause = 1000;
	return 0;
}

static int fetch(struct vm *vm, struct encode_page *pages, uint32_t room)
{
	struct sim_guest *guest = guest_of(vm);
	uint32_t most = 1 + (uint32_t)(sim_random() % SIM_PAGES);
	uint32_t count = 0;

	if (has_fault(guest))
		return -ENODATA;
	for (unsigned int i = 0; i < SIM_PAGES && count < most && count < room; i++) {
		if (!guest->ended[i])
			continue;
		guest->ended[i] = false;
		pages[count++] = (struct encode_page){
			.gfn = i,
			.contents = guest->cut.pages[i],
			.old = guest->has_old[i] ? guest->old.pages[i] : NULL,
		};
	}
	return (int)count;
}

static uint64_t dirty(struct vm *vm)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < SIM_PAGES; i++)
		count += guest_of(vm)->dirty[i];
	return count;
}

static int state(struct vm *vm, enum wire_state_kind kind, const void **bytes, uint32_t *size)
{
	struct sim_guest *guest = guest_of(vm);

	*bytes = &guest->cut_state;
	*size = kind == WIRE_STATE_DOMAIN ? sizeof(guest->cut_state) : 0;
	return has_fault(guest) ? -EIO : 0;
}

/* --- the backend worker --- */

static void let_go(struct sim_guest *guest, uint64_t epoch)
{
	while (guest->held_count && guest->held[guest->held_first].epoch <= epoch) {
		world_packet(guest->held[guest->held_first].packet, guest->is_holding);
		guest->held_first = (guest->held_first + 1) % SIM_HELD;
		guest->held_count--;
	}
}

static int hold(struct vm *vm)
{
	if (has_fault(guest_of(vm)))
		return -ENOSPC;
	guest_of(vm)->is_holding = true;
	return 0;
}

static int free_output(struct vm *vm)
{
	struct sim_guest *guest = guest_of(vm);

	guest->is_holding = false;
	guest->note_first = guest->note_told = guest->note_end;
	let_go(guest, UINT64_MAX);
	return 0;
}

static int stop(struct vm *vm, uint64_t epoch)
{
	struct sim_guest *guest = guest_of(vm);

	some_steps(guest);
	if (has_fault(guest))
		return -EPIPE;
	SIM_CHECK(epoch >= guest->open, "an epoch ends twice");
	guest->is_stopped = true;
	guest->is_expired = false;
	guest->open = epoch + 1;
	return 0;
}

static int go(struct vm *vm, uint64_t epoch)
{
	struct sim_guest *guest = guest_of(vm);

	SIM_CHECK(epoch + 1 == guest->open, "another epoch is cut than ended");
	if (!guest->turn && sim_once_in(2)) {
		guest->turn = epoch;
		memset(guest->fresh, 0, sizeof(guest->fresh));
	}
	guest->is_stopped = false;
	serve(guest);
	return guest->is_expired ? -ETIME : 0;
}

static int next_write(struct vm *vm, uint64_t epoch, struct disk_write *write)
{
	struct sim_guest *guest = guest_of(vm);
	struct sim_note *note = &guest->notes[guest->note_told % SIM_HELD];

	if (guest->note_told == guest->note_end || note->epoch > epoch)
		return 0;
	guest->note_told++;
	*write = (struct disk_write){ .op = WIRE_DISK_DATA,
		                      .sector = note->sector,
		                      .sectors = 1,
		                      .data = note->contents,
		                      .size = WIRE_SECTOR };
	return 1;
}

static uint64_t pairing(struct vm *vm)
{
	return guest_of(vm)->marks.pairing;
}

static int differ(struct vm *vm, uint32_t disk, const uint8_t *bits, uint32_t size)
{
	struct sim_guest *guest = guest_of(vm);

	SIM_CHECK(disk == 0 && size == SIM_MARKS, "marks of another disk");
	for (uint32_t i = 0; i < SIM_SECTORS; i++)
		guest->todo[i] |= bits[i / 8] >> i % 8 & 1;
	return 0;
}

static void committed(struct vm *vm, uint64_t epoch)
{
	struct sim_guest *guest = guest_of(vm);

	SIM_CHECK(epoch < guest->open, "an open epoch is committed");
	if (!guest->turn || epoch < guest->turn)
		return;
	guest->turn = 0;
	for (uint32_t i = 0; i < SIM_SECTORS; i++)
		guest->marks.marked[i] &= guest->fresh[i];
}

static int sync_disk(struct vm *vm, struct disk_write *block)
{
	struct sim_guest *guest = guest_of(vm);

	while (guest->synced < SIM_SECTORS && !guest->todo[guest->synced] &&
	       !guest->todo[guest->synced + 1])
		guest->synced += 2;
	if (guest->synced == SIM_SECTORS)
		return 0;
	*block = (struct disk_write){ .op = WIRE_DISK_DATA,
		                      .sector = guest->synced,
		                      .sectors = 2,
		                      .data = guest->disk.sectors[guest->synced],
		                      .size = 2 * WIRE_SECTOR };
	guest->synced += 2;
	return 1;
}

static int forget(struct vm *vm, uint64_t epoch)
{
	struct sim_guest *guest = guest_of(vm);

	SIM_CHECK(epoch < guest->open, "an open epoch is released");
	while (guest->note_first < guest->note_end &&
	       guest->notes[guest->note_first % SIM_HELD].epoch <= epoch)
		guest->note_first++;
	SIM_CHECK(guest->note_first <= guest->note_told, "writes are forgotten that were not told");
	return 0;
}

static int lease(struct vm *vm, uint64_t until)
{
	guest_of(vm)->lease = until;
	return 0;
}

static int exempt(struct vm *vm, const struct exempt *exempt)
{
	if (has_fault(guest_of(vm)))
		return -EPIPE;
	guest_of(vm)->exempt = *exempt;
	return 0;
}

static int pause(struct vm *vm)
{
	SIM_CHECK(!guest_of(vm)->is_paused, "a VM is paused twice");
	guest_of(vm)->is_paused = true;
	return 0;
}

static int resume(struct vm *vm)
{
	SIM_CHECK(guest_of(vm)->is_paused, "a VM that runs is resumed");
	guest_of(vm)->is_paused = false;
	return 0;
}

static struct vm_held held(struct vm *vm)
{
	return guest_of(vm)->held_told;
}

static uint64_t size(struct vm *vm)
{
	(void)vm;
	return sizeof(struct sim_memory) + sizeof(struct sim_disk);
}

static uint64_t disks(struct vm *vm)
{
	(void)vm;
	return sizeof(struct sim_disk);
}

static int release(struct vm *vm, uint64_t epoch)
{
	if (has_fault(guest_of(vm)))
		return -EPIPE;
	let_go(guest_of(vm), epoch);
	return forget(vm, epoch);
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
	.sync = sync_disk,
	.release = release,
	.forget = forget,
};

void guest_init(struct sim_guest *guest)
{
	memset(guest, 0, offsetof(struct sim_guest, snapshots));
	for (unsigned int i = 0; i < SIM_SNAPSHOTS; i++)
		guest->snapshots[i].epoch = 0;
	guest->vm.ops = &ops;
	guest->vm.batches = UINT32_MAX; /* contents stay until the next capture */
	guest->open = 2;
}

void guest_abandon(struct sim_guest *guest)
{
	guest->is_attached = guest->is_noting = false;
	guest->note_told = guest->note_first;
	if (!guest->is_holding)
		guest->note_first = guest->note_told = guest->note_end;
	guest->is_stopped = false;
	serve(guest);
}

const struct sim_snapshot *guest_snapshot(const struct sim_guest *guest, uint64_t epoch)
{
	const struct sim_snapshot *snapshot = &guest->snapshots[epoch % SIM_SNAPSHOTS];

	return snapshot->epoch == epoch ? snapshot : NULL;
}
