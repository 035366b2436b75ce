/* Event channels until there are no more, then all that one may do wrong with them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "ports";

#define PORTS 200000

static long event(unsigned op, void *argument)
{
	return hypercall2(__HYPERVISOR_event_channel_op, op, argument);
}

static long close(evtchn_port_t port)
{
	struct evtchn_close op = { .port = port };

	return event(EVTCHNOP_close, &op);
}

static evtchn_port_t exhaust(void)
{
	evtchn_port_t highest = 0;
	unsigned count;

	for (count = 0; count < PORTS; count++) {
		struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };

		if (event(EVTCHNOP_alloc_unbound, &op))
			break;
		highest = op.port > highest ? op.port : highest;
	}
	CHECK(count && count < PORTS);
	note("%u ports, the highest %u", count, highest);
	return highest;
}

static void wrong(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };
	struct evtchn_unmask unmask = { .port = port };
	struct evtchn_status status = { .dom = DOMID_SELF, .port = port };
	struct evtchn_bind_vcpu bind = { .port = port, .vcpu = 77 };
	struct evtchn_set_priority priority = { .port = port, .priority = 99 };

	CHECK(close(port) < 0);
	CHECK(event(EVTCHNOP_send, &send) < 0);
	CHECK(event(EVTCHNOP_unmask, &unmask) < 0);
	CHECK(event(EVTCHNOP_status, &status) < 0);
	CHECK(event(EVTCHNOP_bind_vcpu, &bind) < 0);
	CHECK(event(EVTCHNOP_set_priority, &priority) < 0);
}

static void virqs(void)
{
	for (uint32_t virq = 0; virq < 64; virq++)
		for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
			struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
			long first = event(EVTCHNOP_bind_virq, &op);

			if (virq >= NR_VIRQS || vcpu)
				CHECK(first < 0);
			if (first)
				continue;
			CHECK(event(EVTCHNOP_bind_virq, &op) < 0); /* twice */
			CHECK(!close(op.port));
		}
}

static void to_oneself(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };
	struct evtchn_send send;

	CHECK(event(EVTCHNOP_bind_ipi, &ipi) < 0);
	CHECK(!event(EVTCHNOP_alloc_unbound, &alloc));
	bind.remote_port = alloc.port;
	CHECK(!event(EVTCHNOP_bind_interdomain, &bind));
	send.port = bind.local_port;
	for (unsigned i = 0; i < 1000; i++)
		CHECK(!event(EVTCHNOP_send, &send));
	CHECK(!close(alloc.port) && !close(bind.local_port));
	CHECK(close(bind.local_port) < 0);
}

static void fifo(void)
{
	static const uint64_t gfns[] = { ~0UL, 0x80000, 0xfee00, 1UL << 40 };

	for (unsigned i = 0; i < COUNT(gfns); i++) {
		struct evtchn_init_control init = { .control_gfn = gfns[i] };
		struct evtchn_expand_array expand = { .array_gfn = gfns[i] };

		CHECK(event(EVTCHNOP_init_control, &init) < 0);
		CHECK(event(EVTCHNOP_expand_array, &expand) < 0);
	}
	for (uint32_t offset = 1; offset; offset <<= 1) {
		struct evtchn_init_control init = { .control_gfn = 0x100,
			                            .vcpu = 0,
			                            .offset = offset };

		if (offset % 8 || offset >= PAGE_SIZE)
			CHECK(event(EVTCHNOP_init_control, &init) < 0);
	}
}

void test_main(void)
{
	static const evtchn_port_t odd[] = { 0, 131071, 131072, 1 << 20, ~0U };
	evtchn_port_t console = (evtchn_port_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
	evtchn_port_t store = (evtchn_port_t)hvm_param(HVM_PARAM_STORE_EVTCHN);

	for (unsigned i = 0; i < COUNT(odd); i++)
		wrong(odd[i]);
	virqs();
	to_oneself();
	fifo();
	for (evtchn_port_t port = exhaust(); port; port--)
		if (port != console && port != store)
			CHECK(!close(port));
	exhaust(); /* and leave them */
}
