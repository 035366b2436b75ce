/* Event channels as a 32-bit kernel sees them: 32 words of 32 bits, polled and by upcall. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "narrow.h"

#define LOOKS 100000000

unsigned upcalls;

evtchn_port_t bind_ipi(void)
{
	struct evtchn_bind_ipi bind = { .vcpu = 0 };

	CHECK(!event_op(EVTCHNOP_bind_ipi, &bind));
	return bind.port;
}

void close_port(evtchn_port_t port)
{
	struct evtchn_close close = { .port = port };

	CHECK(!event_op(EVTCHNOP_close, &close));
}

static void send(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };

	CHECK(!event_op(EVTCHNOP_send, &send));
}

static bool is_pending(evtchn_port_t port)
{
	return shared->evtchn_pending[port / 32] >> port % 32 & 1;
}

static void mask(evtchn_port_t port, bool on)
{
	if (on)
		shared->evtchn_mask[port / 32] |= 1u << port % 32;
	else
		shared->evtchn_mask[port / 32] &= ~(1u << port % 32);
}

static void quiet(void)
{
	info->evtchn_pending_sel = 0;
	info->evtchn_upcall_pending = 0;
	for (unsigned i = 0; i < COUNT(shared->evtchn_pending); i++)
		shared->evtchn_pending[i] = 0;
}

void test_ports(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
	struct evtchn_status status = { .dom = DOMID_SELF };

	CHECK(!event_op(EVTCHNOP_alloc_unbound, &alloc));
	bind.remote_port = alloc.port;
	CHECK(!event_op(EVTCHNOP_bind_interdomain, &bind));
	status.port = bind.local_port;
	CHECK(!event_op(EVTCHNOP_status, &status));
	CHECK(status.status == EVTCHNSTAT_interdomain && status.u.interdomain.port == alloc.port &&
	      status.u.interdomain.dom == own_id());
	send(bind.local_port);
	close_port(bind.local_port);
	close_port(alloc.port);
}

/* Port 40 is bit 8 of word 1; the selector's bit for it is number 1, and all else stays as it is. */
void test_two_levels(void)
{
	evtchn_port_t port, first = bind_ipi();
	struct evtchn_unmask unmask;

	do
		port = bind_ipi();
	while (port && port < 40);
	quiet();
	info->arch.cr2 = 0;
	send(port);
	CHECK(is_pending(port) && shared->evtchn_pending[1] == 1u << port % 32);
	CHECK(info->evtchn_pending_sel == 1u << port / 32 && info->evtchn_upcall_pending == 1);
	CHECK(!info->arch.cr2);

	quiet();
	mask(port, true);
	send(port);
	CHECK(is_pending(port) && !info->evtchn_pending_sel && !info->evtchn_upcall_pending);
	unmask.port = port;
	CHECK(!event_op(EVTCHNOP_unmask, &unmask));
	CHECK(!shared->evtchn_mask[1] && info->evtchn_pending_sel == 1u << port / 32);
	quiet();
	for (; port >= first; port--)
		close_port(port);
}

void test_ports_run_out(void)
{
	evtchn_port_t first = 0, highest = 0;
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF };

	while (!event_op(EVTCHNOP_alloc_unbound, &alloc)) {
		first = first ? first : alloc.port;
		highest = alloc.port;
	}
	CHECK(event_op(EVTCHNOP_alloc_unbound, &alloc) == -X_ENOSPC);
	CHECK(highest == 1023);
	for (; highest >= first; highest--)
		close_port(highest);
}

/* The time of the poll and of the timer, with nothing between their fields and what stands before them. */
void test_poll(void)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct vcpu_set_singleshot_timer timer = { .flags = 0 };
	struct sched_poll poll = { .nr_ports = 1 };
	uint64_t start = system_time();

	CHECK(!event_op(EVTCHNOP_bind_virq, &bind));
	mask(bind.port, true);
	set_xen_guest_handle(poll.ports, &bind.port);
	poll.timeout = start + 2000000;
	CHECK(!hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	CHECK(system_time() >= start + 2000000 && !is_pending(bind.port));

	start = system_time();
	timer.timeout_abs_ns = start + 3000000;
	poll.timeout = 0;
	CHECK(!vcpu_op(VCPUOP_set_singleshot_timer, &timer));
	CHECK(!hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll));
	CHECK(system_time() >= start + 3000000 && is_pending(bind.port));
	timer.timeout_abs_ns = start;
	timer.flags = VCPU_SSHOTTMR_future;
	CHECK(vcpu_op(VCPUOP_set_singleshot_timer, &timer) == -X_ETIME);
	mask(bind.port, false);
	close_port(bind.port);
	quiet();
}

void guest_upcall(void)
{
	upcalls++;
	quiet();
}

/* By the vector of the parameter, into 32-bit code that runs with interrupts on. */
void test_upcall(void)
{
	struct xen_hvm_param callback = {
		.domid = DOMID_SELF,
		.index = HVM_PARAM_CALLBACK_IRQ,
		.value = 2ULL << 56 | UPCALL_VECTOR,
	};
	evtchn_port_t port = bind_ipi();

	quiet();
	CHECK(!hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &callback));
	asm volatile("sti");
	for (unsigned sent = 0; sent < 100; sent++) {
		unsigned before = *(volatile unsigned *)&upcalls;

		send(port);
		for (unsigned i = 0; i < LOOKS && *(volatile unsigned *)&upcalls == before; i++)
			asm volatile("pause");
	}
	asm volatile("cli" ::: "memory");
	CHECK(upcalls >= 100);
	close_port(port);
}
