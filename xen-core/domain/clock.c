/* The guest's clock: time records in vcpu_info, wall clock in shared info. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/clock.h"

#include "hw/timer.h"
#include "lib/types.h"
#include "vcpu/ops.h"

#define NANOSECONDS_PER_SECOND 1000000000U

/* The wall clock at system time 0, without any domain's own offset: nanoseconds since 1970 (atomic). */
static uint64_t wall_base;

/*
 * Every record counts from the same TSC value, that of system time 0, with the scale that our own
 * clock uses: so all vCPUs read the very time that clock_now tells (and their domain's offset, if it came
 * from another host), and no record grows old.
 */
static void write_record(struct vcpu_time_info *time, const struct vcpu *vcpu)
{
	struct clock_scale scale = clock_scale();
	uint32_t version = time->version | 1;

	__atomic_store_n(&time->version, version, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	time->tsc_timestamp = clock_tsc_origin() + vcpu->tsc_offset;
	time->system_time = vcpu->time_offset;
	time->tsc_to_system_mul = scale.multiplier;
	time->tsc_shift = scale.shift;
	time->flags = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&time->version, version + 1, __ATOMIC_RELAXED);
}

void domain_clock_publish(struct vcpu *vcpu)
{
	struct vcpu_info *shared = vcpu->domain->shared_info->vcpu_info;

	write_record(&vcpu->info->time, vcpu);
	if (vcpu->id < XEN_LEGACY_MAX_VCPUS && vcpu->info != &shared[vcpu->id])
		write_record(&shared[vcpu->id].time, vcpu);
}

void domain_clock_publish_wall(struct domain *domain)
{
	const struct shared_layout *layout = domain->layout;
	uint32_t *words = layout_word(domain->shared_info, layout->wc_version);
	uint64_t base = __atomic_load_n(&wall_base, __ATOMIC_RELAXED) -
	                (domain->vcpus[0] ? domain->vcpus[0]->time_offset : 0);
	uint64_t seconds = base / NANOSECONDS_PER_SECOND + domain->time_offset_seconds;
	uint32_t version = words[0] | 1;

	__atomic_store_n(&words[0], version, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	words[1] = (uint32_t)seconds;
	words[2] = base % NANOSECONDS_PER_SECOND;
	*layout_word(domain->shared_info, layout->wc_sec_hi) = (uint32_t)(seconds >> 32);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&words[0], version + 1, __ATOMIC_RELAXED);
}

nanos_t domain_clock_host_time(const struct vcpu *vcpu, uint64_t guest_time)
{
	int64_t time = (int64_t)(guest_time - vcpu->time_offset);

	if (guest_time > INT64_MAX) /* for ever */
		return NANOS(guest_time);
	return NANOS(time > 0 ? (uint64_t)time : 1UL);
}

void domain_clock_set_offsets(struct domain *domain, uint64_t time, uint64_t tsc)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		vcpu->time_offset = time;
		vcpu->tsc_offset = tsc;
		vcpu_ops->set_tsc_offset(vcpu, tsc);
		domain_clock_publish(vcpu);
		vcpu->info->time.flags = XEN_PVCLOCK_GUEST_STOPPED;
	}
	domain_clock_publish_wall(domain);
}

void domain_clock_set_wall(uint64_t seconds, uint32_t nanoseconds, nanos_t system_time)
{
	struct domain *domain, *after;

	__atomic_store_n(&wall_base, seconds * NANOSECONDS_PER_SECOND + nanoseconds - system_time.v,
	                 __ATOMIC_RELAXED);
	for (domain = domain_get_next(0); domain; domain = after) {
		domain_clock_publish_wall(domain);
		after = domain_get_next(domain->id + 1);
		domain_put(domain);
	}
}

void domain_clock_init(void)
{
	nanos_t read_at;
	uint64_t seconds = clock_wall_seconds(&read_at);

	wall_base = seconds * NANOSECONDS_PER_SECOND - read_at.v;
}
