/* dom0 and the machine: setting the wall clock, looking at the CPUs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "domain/clock.h"
#include "hw/percpu.h"

#define NANOSECONDS_PER_SECOND 1000000000U

static long set_time(uint64_t seconds, uint32_t nanoseconds, uint32_t must_be_zero, uint64_t at)
{
	if (must_be_zero || nanoseconds >= NANOSECONDS_PER_SECOND)
		return -EINVAL;
	domain_clock_set_wall(seconds, nanoseconds, NANOS(at));
	return 0;
}

static long get_cpuinfo(struct hypercall *call, struct xen_platform_op *op)
{
	struct xenpf_pcpuinfo *info = &op->u.pcpu_info;

	info->max_present = guest_cpu_count - 1;
	info->flags = XEN_PCPU_FLAGS_INVALID;
	info->apic_id = 0;
	info->acpi_id = 0;
	if (info->xen_cpuid < guest_cpu_count) {
		info->flags = XEN_PCPU_FLAGS_ONLINE;
		info->apic_id = cpus[info->xen_cpuid]->apic_id;
		info->acpi_id = info->xen_cpuid;
	}
	return copy_to_guest(call->caller, call->args[0], op, sizeof(*op));
}

long hypercall_platform_op(struct hypercall *call)
{
	struct xen_platform_op op;
	long err;

	if (!call->caller->domain->privileged)
		return -EPERM;
	err = copy_from_guest(call->caller, &op, call->args[0], sizeof(op));
	if (err)
		return err;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	switch (op.cmd) {
	case XENPF_settime32:
		return set_time(op.u.settime32.secs, op.u.settime32.nsecs, 0,
		                op.u.settime32.system_time);
	case XENPF_settime64:
		return set_time(op.u.settime64.secs, op.u.settime64.nsecs, op.u.settime64.mbz,
		                op.u.settime64.system_time);
	case XENPF_get_cpuinfo:
		return get_cpuinfo(call, &op);
	default:
		return -ENOSYS;
	}
}
