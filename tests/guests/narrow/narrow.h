/* The parts of the test of hypercalls from 32-bit code. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GUESTS_NARROW_NARROW_H
#define TESTS_GUESTS_NARROW_NARROW_H

#include "machine.h"

/* Where nothing is in a guest of 32 MiB, and RAM that nothing uses. */
#define HOLE_GFN  0x90000UL
#define SPARE_GFN 0x1000UL
#define MANY      700 /* pages; more than the hypervisor does in one go */

/* In each paging mode. */
void test_versions(void);
void test_operands_at_the_end(void);
void test_reservation(void);
void test_batch(void);
void test_grants(void);
void test_multicall(void);
void test_refusals(void);
void test_ports(void);
void test_poll(void);
void test_runstate(void);

/* Once, in this order. */
void test_hypercall_page(void);
void shared_info_show(void);
void test_wall_clock(void);
void test_two_levels(void);
void test_ports_run_out(void);
void test_upcall(void);
void test_vcpu_info(void);

extern struct shared_info *shared; /* after shared_info_show */
extern struct vcpu_info *info;     /* of vCPU 0: in shared info, then the one registered */
extern unsigned upcalls;

static inline long memory_op(unsigned op, const void *argument)
{
	return hypercall2(__HYPERVISOR_memory_op, op, argument);
}

static inline long event_op(unsigned op, const void *argument)
{
	return hypercall2(__HYPERVISOR_event_channel_op, op, argument);
}

static inline long vcpu_op(unsigned op, const void *argument)
{
	return hypercall(__HYPERVISOR_vcpu_op, op, 0, (unsigned long)argument, 0, 0);
}

uint64_t system_time(void); /* ns, by the time record */
evtchn_port_t bind_ipi(void);
void close_port(evtchn_port_t port);

#endif
