/* CPUs and memory of the machine, as the toolstack wants to know them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/sysctl.h"

#include "hw/cpu.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "mm/frame.h"
#include "mm/memory_map.h"
#include "vcpu/runstate.h"

#define CAPABILITIES                                                                               \
	(XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1)

#define DEVICES_AT_ONCE  4096 /* in one question about devices' nodes */
#define DISTANCE_TO_SELF 10   /* of a memory node, as ACPI counts it */

/* The words of a feature set, in the order of the public header; 16 and 17 are an MSR's. */
static const struct feature_word {
	uint32_t leaf, subleaf;
	uint8_t reg; /* 0 EAX .. 3 EDX */
} feature_words[] = {
	{ 0x1, 0, 3 },        { 0x1, 0, 2 }, { 0x80000001, 0, 3 }, { 0x80000001, 0, 2 },
	{ 0xd, 1, 0 },        { 0x7, 0, 1 }, { 0x7, 0, 2 },        { 0x80000007, 0, 3 },
	{ 0x80000008, 0, 1 }, { 0x7, 0, 3 }, { 0x7, 1, 0 },        { 0x80000021, 0, 0 },
	{ 0x7, 1, 1 },        { 0x7, 2, 3 }, { 0x7, 1, 2 },        { 0x7, 1, 3 },
	{ 0, 0, 0 },          { 0, 0, 0 },   { 0x80000021, 0, 2 },
};

static uint32_t feature_word(unsigned n)
{
	const struct feature_word *word = &feature_words[n];
	struct cpuid r;

	if (!word->leaf || word->leaf > cpuid(word->leaf & 0x80000000, 0).eax)
		return 0;
	if (word->leaf == 7 && word->subleaf > cpuid(7, 0).eax)
		return 0;
	r = cpuid(word->leaf, word->subleaf);
	return (uint32_t[]){ r.eax, r.ebx, r.ecx, r.edx }[word->reg];
}

long sysctl_physinfo(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *info = &op->u.physinfo;

	(void)call;
	*info = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = guest_cpu_count,
		.nr_cpus = guest_cpu_count,
		.max_cpu_id = guest_cpu_count - 1,
		.nr_nodes = 1,
		.cpu_khz = (uint32_t)clock_tsc_khz(),
		.capabilities = CAPABILITIES,
		.total_pages = frames_total(),
		.free_pages = frames_free(),
		.max_mfn = (memory_map_top() >> PAGE_SHIFT) - 1,
	};
	for (unsigned i = 0; i < ARRAY_SIZE(info->hw_cap); i++)
		info->hw_cap[i] = feature_word(i);
	return 0;
}

long sysctl_cpu_featureset(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_featureset *request = &op->u.cpu_featureset;
	uint64_t to = (uint64_t)(uintptr_t)request->features.p;
	uint32_t count = ARRAY_SIZE(feature_words);

	if (request->index > XEN_SYSCTL_cpu_featureset_hvm_max)
		return -EINVAL;
	if (request->index == XEN_SYSCTL_cpu_featureset_pv ||
	    request->index == XEN_SYSCTL_cpu_featureset_pv_max)
		return -EOPNOTSUPP;
	for (uint32_t i = 0; to && i < MIN(count, request->nr_features); i++) {
		uint32_t word = feature_word(i);

		if (copy_to_guest(call->caller, to + i * sizeof(word), &word, sizeof(word)))
			return -EFAULT;
	}
	if (to && request->nr_features < count)
		return -ENOBUFS;
	request->nr_features = count;
	return 0;
}

/* A missing array asks how long it should be. */
long sysctl_cputopoinfo(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *info = &op->u.cputopoinfo;
	uint64_t to = (uint64_t)(uintptr_t)info->cputopo.p;

	for (uint32_t i = 0; to && i < MIN(info->num_cpus, guest_cpu_count); i++) {
		struct xen_sysctl_cputopo cpu = { .core = i };

		if (copy_to_guest(call->caller, to + i * sizeof(cpu), &cpu, sizeof(cpu)))
			return -EFAULT;
	}
	info->num_cpus = guest_cpu_count;
	return 0;
}

/* All memory is one node. */
long sysctl_numainfo(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *info = &op->u.numainfo;
	struct xen_sysctl_meminfo memory = { .memsize = frames_total() << PAGE_SHIFT,
		                             .memfree = frames_free() << PAGE_SHIFT };
	uint32_t distance = DISTANCE_TO_SELF;

	if (info->num_nodes && info->meminfo.p &&
	    copy_to_guest(call->caller, (uint64_t)(uintptr_t)info->meminfo.p, &memory,
	                  sizeof(memory)))
		return -EFAULT;
	if (info->num_nodes && info->distance.p &&
	    copy_to_guest(call->caller, (uint64_t)(uintptr_t)info->distance.p, &distance,
	                  sizeof(distance)))
		return -EFAULT;
	info->num_nodes = 1;
	return 0;
}

/* Every device is at that node, whether it exists or not. */
long sysctl_pcitopoinfo(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_pcitopoinfo *info = &op->u.pcitopoinfo;
	uint64_t to = (uint64_t)(uintptr_t)info->nodes.p;
	uint32_t node = 0;

	if (info->num_devs > DEVICES_AT_ONCE)
		return -E2BIG;
	for (uint32_t i = 0; i < info->num_devs; i++)
		if (copy_to_guest(call->caller, to + i * sizeof(node), &node, sizeof(node)))
			return -EFAULT;
	return 0;
}

long sysctl_availheap(struct hypercall *call, struct xen_sysctl *op)
{
	(void)call;
	op->u.availheap.avail_bytes = frames_free() << PAGE_SHIFT;
	return 0;
}

/* What its vCPUs have used of a CPU's time, wherever they used it: they hardly ever move. */
static uint64_t busy_time(const struct cpu *cpu)
{
	struct domain *domain, *next;
	uint64_t busy = 0;

	for (domain = domain_get_next(0); domain; domain = next) {
		for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++)
			if (domain->vcpus[i] && domain->vcpus[i]->cpu == cpu)
				busy += runstate_read(domain->vcpus[i]).time[RUNSTATE_running];
		next = domain_get_next(domain->id + 1);
		domain_put(domain);
	}
	return busy;
}

long sysctl_getcpuinfo(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *request = &op->u.getcpuinfo;
	uint64_t to = (uint64_t)(uintptr_t)request->info.p;
	uint32_t count = MIN(request->max_cpus, guest_cpu_count);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t now = clock_now().v, busy = busy_time(cpus[i]);
		struct xen_sysctl_cpuinfo cpu = { .idletime = now > busy ? now - busy : 0 };

		if (copy_to_guest(call->caller, to + i * sizeof(cpu), &cpu, sizeof(cpu)))
			return -EFAULT;
	}
	request->nr_cpus = count;
	return 0;
}
