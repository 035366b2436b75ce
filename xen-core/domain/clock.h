/* The guest's clock: time records in vcpu_info, wall clock in shared info. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DOMAIN_CLOCK_H
#define XEN_CORE_DOMAIN_CLOCK_H

#include "domain/domain.h"

/* Writes the vCPU's time record (pvclock: version, tsc_timestamp, system_time, scale, flags) in
 * vcpu->info, and in shared info's own array for the first 32 vCPUs. */
void domain_clock_publish(struct vcpu *vcpu);

/* Writes wc_version, wc_sec, wc_nsec, wc_sec_hi of the domain's shared info. */
void domain_clock_publish_wall(struct domain *domain);

/* platform_op settime: wall clock seconds.nanoseconds at a given system time, for all domains. */
void domain_clock_set_wall(uint64_t seconds, uint32_t nanoseconds, nanos_t system_time);

/* When a timer has to fire here that the guest wants at that time of its own: what is past, is at once; never 0. */
nanos_t domain_clock_host_time(const struct vcpu *vcpu, uint64_t guest_time);

/* A stopped domain's clock and TSC go on from another host's: offsets as in struct vcpu. Each vCPU is told once that
 * it stood (pvclock's GUEST_STOPPED, which it clears): else its watchdogs take that time for a lockup of its own. */
void domain_clock_set_offsets(struct domain *domain, uint64_t time, uint64_t tsc);

void domain_clock_init(void); /* wall clock from the RTC */

#endif
