/* Unit tests of what 32-bit callers lay out differently: each operand in and out, and not a byte too many. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/hypercall/argument.c xen-core/lib/shape.c xen-core/vcpu/layout.c */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/narrow.h"
#include "hypercall/argument.h"

#define HANDLE(value) (void *)(uintptr_t)(value)

/* The caller's memory: addresses from 0 to the end, which tests move. */
static uint8_t memory[4096];
static size_t memory_end;

static const struct hypercall narrow_call = { .narrow = true }, wide_call = { .narrow = false };

int copy_from_guest(struct vcpu *vcpu, void *to, uint64_t from, size_t length)
{
	(void)vcpu;
	if (from + length > memory_end)
		return -EFAULT;
	memcpy(to, memory + from, length);
	return 0;
}

int copy_to_guest(struct vcpu *vcpu, uint64_t to, const void *from, size_t length)
{
	(void)vcpu;
	if (to + length > memory_end)
		return -EFAULT;
	memcpy(memory + to, from, length);
	return 0;
}

/* The operand is the last thing in memory: one byte less, and it is not there. */
static void put_last(const void *operand, size_t length)
{
	memset(memory, 0xee, sizeof(memory));
	memcpy(memory + 64, operand, length);
	memory_end = 64 + length;
}

static void take(const struct shape *shape, void *wide, const void *narrow, size_t length)
{
	memset(wide, 0xff, shape->wide);
	put_last(narrow, length);
	assert_int_equal(argument_size(&narrow_call, shape), length);
	assert_int_equal(argument_take(&narrow_call, shape, wide, 64, 1), 0);
	memory_end--;
	assert_int_equal(argument_take(&narrow_call, shape, wide, 64, 1), -EFAULT);
	memory_end++;
}

/* What was taken, given back, is what it was: with all gaps zero beforehand. */
static void gives_back(const struct shape *shape, const void *wide, const void *narrow,
                       size_t length)
{
	memset(memory, 0xee, sizeof(memory));
	assert_int_equal(argument_give(&narrow_call, shape, 64, wide, 1), 0);
	assert_memory_equal(memory + 64, narrow, length);
	assert_int_equal(memory[63], 0xee);
	assert_int_equal(memory[64 + length], 0xee);
	memory_end--;
	assert_int_equal(argument_give(&narrow_call, shape, 64, wide, 1), -EFAULT);
}

#define TAKE(shape, wide, narrow)       take(&(shape), &(wide), &(narrow), sizeof(narrow))
#define GIVES_BACK(shape, wide, narrow) gives_back(&(shape), &(wide), &(narrow), sizeof(narrow))

static void words(void **state)
{
	const uint32_t list[] = { 1, 0xffffffff, 0x80000000 };
	uint64_t wide[3];

	(void)state;
	put_last(list, sizeof(list));
	assert_int_equal(argument_take(&narrow_call, &shape_word, wide, 64, 3), 0);
	assert_int_equal(wide[0], 1);
	assert_int_equal(wide[1], 0xffffffff);
	assert_int_equal(wide[2], 0x80000000);
	assert_int_equal(argument_take(&narrow_call, &shape_word, wide, 64, 4), -EFAULT);
}

static void memory_operands(void **state)
{
	const struct narrow_add_to_physmap add = { 0x7ff0, 3, 1, 0x80000001, 0xfffffff0 };
	const struct narrow_remove_from_physmap remove = { .domid = 7, .gpfn = 0x87654321 };
	const struct narrow_memory_reservation reservation = { 0xc0001000, 0x01000000, 9, 0x20, 5 };
	const struct narrow_memory_map map = { 128, 0xc0002000 };
	struct xen_add_to_physmap wide_add;
	struct xen_remove_from_physmap wide_remove;
	struct xen_memory_reservation wide_reservation;
	struct xen_memory_map wide_map;

	(void)state;
	TAKE(shape_add_to_physmap, wide_add, add);
	assert_int_equal(wide_add.domid, 0x7ff0);
	assert_int_equal(wide_add.size, 3);
	assert_int_equal(wide_add.space, 1);
	assert_int_equal(wide_add.idx, 0x80000001);
	assert_int_equal(wide_add.gpfn, 0xfffffff0);
	GIVES_BACK(shape_add_to_physmap, wide_add, add);

	TAKE(shape_remove_from_physmap, wide_remove, remove);
	assert_int_equal(wide_remove.domid, 7);
	assert_int_equal(wide_remove.gpfn, 0x87654321);

	TAKE(shape_memory_reservation, wide_reservation, reservation);
	assert_ptr_equal(wide_reservation.extent_start.p, HANDLE(0xc0001000));
	assert_int_equal(wide_reservation.nr_extents, 0x01000000);
	assert_int_equal(wide_reservation.extent_order, 9);
	assert_int_equal(wide_reservation.mem_flags, 0x20);
	assert_int_equal(wide_reservation.domid, 5);

	TAKE(shape_memory_map, wide_map, map);
	assert_int_equal(wide_map.nr_entries, 128);
	assert_ptr_equal(wide_map.buffer.p, HANDLE(0xc0002000));
	GIVES_BACK(shape_memory_map, wide_map, map);
}

static void batch(void **state)
{
	const struct narrow_add_to_physmap_batch narrow = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.size = 99,
		.u = 1,
		.idxs = 0xc0000000,
		.gpfns = 0xc0001000,
		.errs = 0xfffff000,
	};
	struct xen_add_to_physmap_batch wide;

	(void)state;
	TAKE(shape_add_to_physmap_batch, wide, narrow);
	assert_int_equal(wide.domid, DOMID_SELF);
	assert_int_equal(wide.space, XENMAPSPACE_grant_table);
	assert_int_equal(wide.size, 99);
	assert_int_equal(wide.u.foreign_domid, 1);
	assert_ptr_equal(wide.idxs.p, HANDLE(0xc0000000));
	assert_ptr_equal(wide.gpfns.p, HANDLE(0xc0001000));
	assert_ptr_equal(wide.errs.p, HANDLE(0xfffff000));
}

static void grant_copies(void **state)
{
	const struct narrow_gnttab_copy narrow[2] = {
		{ { 8, 0, 100 }, { 0x9abcd, DOMID_SELF, 4000 }, 96, GNTCOPY_source_gref, -3 },
		{ { 0xfffffff0, DOMID_SELF, 0 }, { 9, 3, 1 }, 4095, GNTCOPY_dest_gref, 0 },
	};
	struct gnttab_copy wide[2];

	(void)state;
	put_last(narrow, sizeof(narrow));
	memset(wide, 0xff, sizeof(wide));
	assert_int_equal(argument_take(&narrow_call, &shape_grant_copy, wide, 64, 2), 0);
	assert_int_equal(wide[0].source.u.ref, 8);
	assert_int_equal(wide[0].source.domid, 0);
	assert_int_equal(wide[0].source.offset, 100);
	assert_int_equal(wide[0].dest.u.gmfn, 0x9abcd);
	assert_int_equal(wide[0].dest.domid, DOMID_SELF);
	assert_int_equal(wide[0].dest.offset, 4000);
	assert_int_equal(wide[0].len, 96);
	assert_int_equal(wide[0].flags, GNTCOPY_source_gref);
	assert_int_equal(wide[0].status, -3);
	assert_int_equal(wide[1].source.u.gmfn, 0xfffffff0);
	assert_int_equal(wide[1].dest.u.ref, 9);
	assert_int_equal(wide[1].len, 4095);

	wide[1].status = GNTST_permission_denied;
	assert_int_equal(argument_give(&narrow_call, &shape_grant_copy, 64, wide, 2), 0);
	assert_memory_equal(memory + 64, &narrow[0], offsetof(struct narrow_gnttab_copy, status));
	assert_int_equal(((struct narrow_gnttab_copy *)(memory + 64))[1].status,
	                 GNTST_permission_denied);
}

/* Operands of the same form for all are copied in one piece, at the same distance. */
static void grant_maps(void **state)
{
	const struct gnttab_map_grant_ref maps[2] = { { .host_addr = 1UL << 40, .ref = 5 },
		                                      { .host_addr = 4096, .handle = 7 } };
	struct gnttab_map_grant_ref taken[2];

	(void)state;
	put_last(maps, sizeof(maps));
	assert_int_equal(argument_take(&narrow_call, &shape_grant_map, taken, 64, 2), 0);
	assert_memory_equal(taken, maps, sizeof(maps));
	assert_int_equal(argument_size(&narrow_call, &shape_grant_map), 32);
	assert_int_equal(argument_size(&narrow_call, &shape_grant_unmap), 24);
}

static void times(void **state)
{
	const struct narrow_vcpu_set_singleshot_timer timer = { 0x123456789abcdef0, 1 };
	const struct narrow_sched_poll poll = { 0xc0003000, 128, 0x8000000000000001 };
	const struct narrow_vcpu_runstate_info runstate = { 2, 1UL << 40, { 3, 4, 5, 1UL << 63 } };
	struct vcpu_set_singleshot_timer wide_timer;
	struct vcpu_runstate_info wide_runstate;
	struct sched_poll wide_poll;

	(void)state;
	TAKE(shape_singleshot_timer, wide_timer, timer);
	assert_int_equal(wide_timer.timeout_abs_ns, 0x123456789abcdef0);
	assert_int_equal(wide_timer.flags, 1);

	TAKE(shape_sched_poll, wide_poll, poll);
	assert_ptr_equal(wide_poll.ports.p, HANDLE(0xc0003000));
	assert_int_equal(wide_poll.nr_ports, 128);
	assert_int_equal(wide_poll.timeout, 0x8000000000000001);

	TAKE(shape_runstate, wide_runstate, runstate);
	assert_int_equal(wide_runstate.state, 2);
	assert_int_equal(wide_runstate.state_entry_time, 1UL << 40);
	assert_int_equal(wide_runstate.time[0], 3);
	assert_int_equal(wide_runstate.time[3], 1UL << 63);
	GIVES_BACK(shape_runstate, wide_runstate, runstate);
}

static void multicalls(void **state)
{
	const struct narrow_multicall_entry narrow = { 12, 0, { 1, 2, 0xfffffff0, 4, 5, 6 } };
	struct narrow_multicall_entry back;
	struct multicall_entry wide;

	(void)state;
	TAKE(shape_multicall_entry, wide, narrow);
	assert_int_equal(wide.op, 12);
	assert_int_equal(wide.args[2], 0xfffffff0);
	assert_int_equal(wide.args[5], 6);
	GIVES_BACK(shape_multicall_entry, wide, narrow);
	memory_end = sizeof(memory);
	wide.result = (xen_ulong_t)-ENOSYS;
	assert_int_equal(argument_give(&narrow_call, &shape_multicall_entry, 64, &wide, 1), 0);
	memcpy(&back, memory + 64, sizeof(back));
	assert_int_equal((int32_t)back.result, -ENOSYS);
}

/* A 64-bit caller's operand is taken as it is, whatever its shape. */
static void wide_callers(void **state)
{
	const struct sched_poll poll = { .ports.p = HANDLE(1UL << 47), 1, 2 };
	struct sched_poll taken;

	(void)state;
	put_last(&poll, sizeof(poll));
	assert_int_equal(argument_size(&wide_call, &shape_sched_poll), sizeof(poll));
	assert_int_equal(argument_take(&wide_call, &shape_sched_poll, &taken, 64, 1), 0);
	assert_memory_equal(&taken, &poll, sizeof(poll));
	memory_end--;
	assert_int_equal(argument_take(&wide_call, &shape_sched_poll, &taken, 64, 1), -EFAULT);
}

/* Every field lies within its structure, in both forms, and none in another. */
static void shapes_are_sound(void **state)
{
	static const struct shape *const shapes[] = {
		&shape_word,
		&shape_add_to_physmap,
		&shape_add_to_physmap_batch,
		&shape_remove_from_physmap,
		&shape_memory_reservation,
		&shape_memory_map,
		&shape_grant_copy,
		&shape_singleshot_timer,
		&shape_sched_poll,
		&shape_multicall_entry,
		&shape_platform_parameters,
		&shape_runstate,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *shape = shapes[i];
		unsigned wide_end = 0, narrow_end = 0;

		assert_true(shape->count);
		assert_true(shape->wide <= SHAPE_MAX && shape->narrow <= shape->wide);
		for (unsigned f = 0; f < shape->count; f++) {
			const struct shape_field *field = &shape->fields[f];

			assert_true(field->wide_at >= wide_end);
			assert_true(field->narrow_at >= narrow_end);
			assert_true(field->narrow_size && field->narrow_size <= field->wide_size);
			wide_end = field->wide_at + field->wide_size;
			narrow_end = field->narrow_at + field->narrow_size;
		}
		assert_true(wide_end <= shape->wide && narrow_end <= shape->narrow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(memory_operands),
		cmocka_unit_test(batch),
		cmocka_unit_test(grant_copies),
		cmocka_unit_test(grant_maps),
		cmocka_unit_test(times),
		cmocka_unit_test(multicalls),
		cmocka_unit_test(wide_callers),
		cmocka_unit_test(shapes_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
