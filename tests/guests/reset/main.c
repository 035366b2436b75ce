/* One CPU takes away all ports and their form while the other opens and uses them; the console's go, too. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "reset";

#define ROUNDS 3000

static char control[2][PAGE_SIZE] __attribute__((aligned(4096)));
static char words[PAGE_SIZE] __attribute__((aligned(4096)));

static long event(unsigned op, void *argument)
{
	return hypercall2(__HYPERVISOR_event_channel_op, op, argument);
}

/* Timers of the other CPU fire into the port, and so do its own sends. */
static void second(void)
{
	struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = 1 };

	for (;;) {
		struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 1 };
		struct evtchn_bind_ipi ipi = { .vcpu = 1 };
		struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
		struct evtchn_bind_interdomain pair = { .remote_dom = DOMID_SELF };
		struct evtchn_send send;

		event(EVTCHNOP_bind_virq, &virq);
		hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, (void *)1UL,
		           (uint64_t)&timer);
		if (!event(EVTCHNOP_bind_ipi, &ipi)) {
			send.port = ipi.port;
			event(EVTCHNOP_send, &send);
		}
		event(EVTCHNOP_alloc_unbound, &alloc);
		pair.remote_port = alloc.port;
		if (!event(EVTCHNOP_bind_interdomain, &pair)) {
			send.port = pair.local_port;
			event(EVTCHNOP_send, &send);
		}
	}
}

static void change_form(void)
{
	struct evtchn_expand_array expand = { .array_gfn = (uint64_t)words / PAGE_SIZE };
	struct evtchn_reset reset = { .dom = DOMID_SELF };

	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		struct evtchn_init_control init = {
			.control_gfn = (uint64_t)control[vcpu] / PAGE_SIZE,
			.vcpu = vcpu,
		};

		CHECK(!event(EVTCHNOP_init_control, &init));
	}
	CHECK(!event(EVTCHNOP_expand_array, &expand));
	CHECK(!event(EVTCHNOP_reset, &reset));
}

void test_main(void)
{
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_poweroff };

	report(); /* later nobody would hear of it */
	second_start_at(second);
	for (unsigned i = 0; i < ROUNDS; i++)
		change_form();
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown);
}
