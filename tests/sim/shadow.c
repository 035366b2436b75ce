/* What a standby makes of a VM: a simulated shadow domain and image, which may fail at any call. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include "tests/sim/sim.h"

static struct sim_shadow *shadow_of(struct sink *sink)
{
	return (struct sim_shadow *)sink;
}

static int fault(const struct sim_shadow *shadow, int err)
{
	return shadow->fault_rate && sim_once_in(shadow->fault_rate) ? err : 0;
}

static int reset(struct sink *sink, uint64_t pairing)
{
	struct sim_shadow *shadow = shadow_of(sink);

	/* Whatever was there: a first copy must not depend on it. */
	memset(&shadow->memory, 0xee, sizeof(shadow->memory));
	if (!pairing || pairing != shadow->marks.pairing) {
		shadow->marks = (struct sim_marks){ .pairing = pairing };
		memset(&shadow->disk, 0xee, sizeof(shadow->disk));
	}
	memset(&shadow->state, 0xee, sizeof(shadow->state));
	return fault(shadow, -ENOMEM);
}

static int read_page(struct sink *sink, uint64_t gfn, uint8_t *page)
{
	SIM_CHECK(gfn < SIM_PAGES, "a page beyond memory");
	memcpy(page, shadow_of(sink)->memory.pages[gfn], WIRE_PAGE_SIZE);
	return fault(shadow_of(sink), -EFAULT);
}

static int apply(struct sink *sink, const struct sink_page *pages, uint32_t count)
{
	struct sim_shadow *shadow = shadow_of(sink);

	for (uint32_t i = 0; i < count; i++) {
		if (fault(shadow, -ENOMEM))
			return -ENOMEM;
		memcpy(shadow->memory.pages[pages[i].gfn], pages[i].contents, WIRE_PAGE_SIZE);
	}
	return 0;
}

static int state(struct sink *sink, enum wire_state_kind kind, const void *bytes, uint32_t size)
{
	SIM_CHECK(kind == WIRE_STATE_DOMAIN && size == sizeof(struct sim_state),
	          "state of another size");
	memcpy(&shadow_of(sink)->state, bytes, size);
	return fault(shadow_of(sink), -ENOSPC);
}

static int write_disk(struct sink *sink, const struct disk_write *write)
{
	struct sim_shadow *shadow = shadow_of(sink);

	SIM_CHECK(write->sector + write->sectors <= SIM_SECTORS, "a write beyond the disk");
	if (fault(shadow, -EIO))
		return sim_once_in(2) ? -EIO : -ENOSPC;
	memcpy(shadow->disk.sectors[write->sector], write->data, write->size);
	return 0;
}

static int flush(struct sink *sink)
{
	return fault(shadow_of(sink), -EIO);
}

static uint64_t pairing(struct sink *sink)
{
	return shadow_of(sink)->marks.pairing;
}

static uint32_t marks(struct sink *sink, uint32_t disk, uint8_t *bits)
{
	struct sim_shadow *shadow = shadow_of(sink);

	SIM_CHECK(disk == 0, "marks of another disk");
	memset(bits, 0, SIM_MARKS);
	for (uint32_t i = 0; i < SIM_SECTORS; i++)
		bits[i / 8] |= (uint8_t)(shadow->marks.marked[i] << i % 8);
	return SIM_MARKS;
}

static int settle(struct sink *sink)
{
	struct sim_shadow *shadow = shadow_of(sink);

	if (fault(shadow, -EIO))
		return -EIO;
	memset(shadow->marks.marked, 0, sizeof(shadow->marks.marked));
	return fault(shadow, -EIO);
}

static int activate(struct sink *sink, uint64_t epoch, uint64_t until)
{
	struct sim_shadow *shadow = shadow_of(sink);
	int err = fault(shadow, -EBUSY);

	shadow->until = until;
	if (!err)
		shadow->active = epoch;
	return err;
}

static int release(struct sink *sink)
{
	shadow_of(sink)->is_released = true;
	return 0;
}

static const struct sink_ops ops = {
	.reset = reset,
	.pairing = pairing,
	.marks = marks,
	.settle = settle,
	.read = read_page,
	.apply = apply,
	.state = state,
	.write = write_disk,
	.flush = flush,
	.activate = activate,
	.release = release,
};

void shadow_init(struct sim_shadow *shadow)
{
	memset(shadow, 0, sizeof(*shadow));
	shadow->sink.ops = &ops;
}

void marks_begin(struct sim_guest *guest, struct sim_shadow *shadow)
{
	if (sim_once_in(2))
		return;
	guest->marks.pairing = shadow->marks.pairing = sim_random() | 1;
	for (unsigned int i = 0; i < SIM_SECTORS; i++) {
		guest->marks.marked[i] = sim_once_in(4);
		shadow->marks.marked[i] = sim_once_in(4);
		if (guest->marks.marked[i])
			memset(guest->disk.sectors[i], 0xaa, WIRE_SECTOR);
		if (shadow->marks.marked[i])
			memset(shadow->disk.sectors[i], 0xbb, WIRE_SECTOR);
	}
}

void marks_check(const struct sim_guest *guest, const struct sim_shadow *shadow)
{
	if (!guest->marks.pairing || guest->marks.pairing != shadow->marks.pairing)
		return;
	for (unsigned int i = 0; i < SIM_SECTORS; i++)
		SIM_CHECK(guest->marks.marked[i] || shadow->marks.marked[i] ||
		                  !memcmp(guest->disk.sectors[i], shadow->disk.sectors[i],
		                          WIRE_SECTOR),
		          "disks differ where neither host has marked it");
}

void shadow_check(const struct sim_shadow *shadow, const struct sim_snapshot *snapshot)
{
	SIM_CHECK(snapshot, "an epoch that was never captured");
	SIM_CHECK(!memcmp(&shadow->state, &snapshot->state, sizeof(shadow->state)),
	          "I2: state of another epoch");
	SIM_CHECK(!memcmp(&shadow->memory, &snapshot->memory, sizeof(shadow->memory)),
	          "I2: memory of another epoch");
	SIM_CHECK(!memcmp(&shadow->disk, &snapshot->disk, sizeof(shadow->disk)),
	          "I2, I3: disk of another epoch");
}
