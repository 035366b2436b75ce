/* Operands that 32-bit callers lay out differently: their shapes, and the copies in and out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

#include "abi/narrow.h"

/* clang-format off */
#define FIELDS(name) static const struct shape_field name##_fields[]
#define SHAPE(name, wide, narrow) const struct shape shape_##name = SHAPE_OF(wide, narrow, name##_fields)
/* clang-format on */

FIELDS(word) = { { 0, sizeof(xen_ulong_t), 0, sizeof(uint32_t) } };
SHAPE(word, xen_ulong_t, uint32_t);

#define FIELD(name) SHAPE_FIELD(struct xen_add_to_physmap, struct narrow_add_to_physmap, name)
FIELDS(add_to_physmap) = { FIELD(domid), FIELD(size), FIELD(space), FIELD(idx), FIELD(gpfn) };
SHAPE(add_to_physmap, struct xen_add_to_physmap, struct narrow_add_to_physmap);
#undef FIELD

#define FIELD(name)                                                                                \
	SHAPE_FIELD(struct xen_add_to_physmap_batch, struct narrow_add_to_physmap_batch, name)
FIELDS(add_to_physmap_batch) = { FIELD(domid), FIELD(space), FIELD(size), FIELD(u),
	                         FIELD(idxs),  FIELD(gpfns), FIELD(errs) };
SHAPE(add_to_physmap_batch, struct xen_add_to_physmap_batch, struct narrow_add_to_physmap_batch);
#undef FIELD

#define FIELD(name)                                                                                \
	SHAPE_FIELD(struct xen_remove_from_physmap, struct narrow_remove_from_physmap, name)
FIELDS(remove_from_physmap) = { FIELD(domid), FIELD(gpfn) };
SHAPE(remove_from_physmap, struct xen_remove_from_physmap, struct narrow_remove_from_physmap);
#undef FIELD

#define FIELD(name)                                                                                \
	SHAPE_FIELD(struct xen_memory_reservation, struct narrow_memory_reservation, name)
FIELDS(memory_reservation) = { FIELD(extent_start), FIELD(nr_extents), FIELD(extent_order),
	                       FIELD(mem_flags), FIELD(domid) };
SHAPE(memory_reservation, struct xen_memory_reservation, struct narrow_memory_reservation);
#undef FIELD

#define FIELD(name) SHAPE_FIELD(struct xen_memory_map, struct narrow_memory_map, name)
FIELDS(memory_map) = { FIELD(nr_entries), FIELD(buffer) };
SHAPE(memory_map, struct xen_memory_map, struct narrow_memory_map);
#undef FIELD

const struct shape shape_grant_map = SHAPE_SAME(struct gnttab_map_grant_ref);
const struct shape shape_grant_unmap = SHAPE_SAME(struct gnttab_unmap_grant_ref);

#define FIELD(name) SHAPE_FIELD(struct gnttab_copy, struct narrow_gnttab_copy, name)
FIELDS(grant_copy) = { FIELD(source.u), FIELD(source.domid), FIELD(source.offset),
	               FIELD(dest.u),   FIELD(dest.domid),   FIELD(dest.offset),
	               FIELD(len),      FIELD(flags),        FIELD(status) };
SHAPE(grant_copy, struct gnttab_copy, struct narrow_gnttab_copy);
#undef FIELD

#define FIELD(name)                                                                                \
	SHAPE_FIELD(struct vcpu_set_singleshot_timer, struct narrow_vcpu_set_singleshot_timer, name)
FIELDS(singleshot_timer) = { FIELD(timeout_abs_ns), FIELD(flags) };
SHAPE(singleshot_timer, struct vcpu_set_singleshot_timer, struct narrow_vcpu_set_singleshot_timer);
#undef FIELD

#define FIELD(name) SHAPE_FIELD(struct sched_poll, struct narrow_sched_poll, name)
FIELDS(sched_poll) = { FIELD(ports), FIELD(nr_ports), FIELD(timeout) };
SHAPE(sched_poll, struct sched_poll, struct narrow_sched_poll);
#undef FIELD

#define FIELD(name) SHAPE_FIELD(struct multicall_entry, struct narrow_multicall_entry, name)
FIELDS(multicall_entry) = { FIELD(op),      FIELD(result),  FIELD(args[0]), FIELD(args[1]),
	                    FIELD(args[2]), FIELD(args[3]), FIELD(args[4]), FIELD(args[5]) };
SHAPE(multicall_entry, struct multicall_entry, struct narrow_multicall_entry);
#undef FIELD

#define FIELD(name)                                                                                \
	SHAPE_FIELD(struct xen_platform_parameters, struct narrow_platform_parameters, name)
FIELDS(platform_parameters) = { FIELD(virt_start) };
SHAPE(platform_parameters, struct xen_platform_parameters, struct narrow_platform_parameters);
#undef FIELD

static bool is_translated(const struct hypercall *call, const struct shape *shape)
{
	return call->narrow && shape->count;
}

uint64_t argument_size(const struct hypercall *call, const struct shape *shape)
{
	return call->narrow ? shape->narrow : shape->wide;
}

long argument_take(const struct hypercall *call, const struct shape *shape, void *to, uint64_t from,
                   unsigned count)
{
	uint8_t narrow[SHAPE_MAX];
	char *out = to;

	if (!is_translated(call, shape))
		return copy_from_guest(call->caller, to, from, (size_t)count * shape->wide);
	for (unsigned i = 0; i < count; i++) {
		long err = copy_from_guest(call->caller, narrow, from, shape->narrow);

		if (err)
			return err;
		shape_widen(shape, out, narrow);
		from += shape->narrow;
		out += shape->wide;
	}
	return 0;
}

long argument_give(const struct hypercall *call, const struct shape *shape, uint64_t to,
                   const void *from, unsigned count)
{
	uint8_t narrow[SHAPE_MAX];
	const char *in = from;

	if (!is_translated(call, shape))
		return copy_to_guest(call->caller, to, from, (size_t)count * shape->wide);
	for (unsigned i = 0; i < count; i++) {
		long err;

		shape_narrow(shape, narrow, in);
		err = copy_to_guest(call->caller, to, narrow, shape->narrow);
		if (err)
			return err;
		to += shape->narrow;
		in += shape->wide;
	}
	return 0;
}
