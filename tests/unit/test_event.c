/* Event channels: binding, delivery in the 2-level form, polling, two domains; no order of locks is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/event/event.c xen-core/event/pair.c xen-core/event/table.c xen-core/event/deliver.c xen-core/event/poll.c xen-core/event/port_2l.c xen-core/event/port_fifo.c xen-core/event/fifo_setup.c xen-core/event/timer.c xen-core/event/unit.c xen-core/event/layout.c xen-core/vcpu/layout.c xen-core/lib/shape.c tests/unit/two_domains.c */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "abi/narrow.h"
#include "event/channel.h"
#include "event/event.h"
#include "event/fifo.h"
#include "hw/cpu.h"
#include "lib/errno.h"
#include "sched/sched.h"
#include "tests/unit/two_domains.h"

enum { CONTROL_GFN = 20 };

/* As the guest's handler does, for one port. */
static void consume(unsigned id, unsigned vcpu, evtchn_port_t port)
{
	shared[id].vcpu_info[vcpu].evtchn_upcall_pending = 0;
	bit_clear(port / 64, &shared[id].vcpu_info[vcpu].evtchn_pending_sel);
	bit_clear(port, shared[id].evtchn_pending);
}

static void test_ipi(void **state)
{
	evtchn_port_t port;

	assert_int_equal(event_bind_ipi(&domains[1], 2, &port), -ENOENT);
	assert_int_equal(event_bind_ipi(&domains[1], 1, &port), 0);
	assert_int_equal(port, 1);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_true(two_domains_pending(1, port));
	assert_int_equal(kicks[1][0], 0);
	assert_int_equal(kicks[1][1], 1);
	assert_int_equal(shared[1].vcpu_info[1].evtchn_pending_sel, 1);
	assert_true(event_upcall_pending(&vcpus[1][1]));
	consume(1, 1, port);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_int_equal(kicks[1][1], 2);
	assert_int_equal(event_bind_vcpu(&domains[1], port, 0), -EINVAL);
	assert_int_equal(event_send(&domains[1], 0), -EINVAL);
	assert_int_equal(event_send(&domains[1], 77), -EINVAL);
	assert_int_equal(event_send(&domains[1], ~0U), -EINVAL);
}

static void test_mask(void **state)
{
	evtchn_port_t port;

	event_bind_ipi(&domains[1], 0, &port);
	bit_set(port, shared[1].evtchn_mask);
	event_send(&domains[1], port);
	assert_true(two_domains_pending(1, port));
	assert_int_equal(kicks[1][0], 0);
	assert_int_equal(event_unmask(&domains[1], port), 0);
	assert_int_equal(kicks[1][0], 1);
	assert_int_equal(event_unmask(&domains[1], port), 0);
	assert_int_equal(kicks[1][0], 1);
}

static void test_virq(void **state)
{
	struct evtchn_status status;
	evtchn_port_t timer, console, other;

	assert_int_equal(event_bind_virq(&domains[0], VIRQ_TIMER, 1, &timer), 0);
	assert_int_equal(event_bind_virq(&domains[0], VIRQ_TIMER, 1, &other), -EEXIST);
	assert_int_equal(event_bind_virq(&domains[0], VIRQ_CONSOLE, 1, &other), -EINVAL);
	assert_int_equal(event_bind_virq(&domains[0], NR_VIRQS, 0, &other), -EINVAL);
	assert_int_equal(event_bind_virq(&domains[0], VIRQ_CONSOLE, 0, &console), 0);
	assert_int_equal(event_bind_vcpu(&domains[0], timer, 0), -EINVAL);
	assert_int_equal(event_bind_vcpu(&domains[0], console, 1), 0);
	event_raise_global_virq(VIRQ_CONSOLE);
	event_raise_global_virq(VIRQ_DOM_EXC);
	assert_true(two_domains_pending(0, console));
	assert_int_equal(kicks[0][1], 1);

	event_timer_singleshot(&vcpus[0][1], NANOS(5000));
	vcpus[0][1].singleshot.fire(&vcpus[0][1].singleshot);
	assert_true(two_domains_pending(0, timer));

	status.port = console;
	assert_int_equal(event_status(&domains[0], &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_virq);
	assert_int_equal(status.u.virq, VIRQ_CONSOLE);
	assert_int_equal(status.vcpu, 1);

	assert_int_equal(event_close(&domains[0], console), 0);
	assert_false(two_domains_pending(0, console));
	assert_int_equal(event_close(&domains[0], console), -EINVAL);
	event_raise_global_virq(VIRQ_CONSOLE);
	assert_false(two_domains_pending(0, console));
	assert_int_equal(event_bind_virq(&domains[0], VIRQ_CONSOLE, 0, &other), 0);
	assert_int_equal(other, console);
}

static void test_periodic(void **state)
{
	struct vcpu *vcpu = &vcpus[0][0];

	now = 1000;
	event_timer_periodic(vcpu, 100);
	assert_int_equal(vcpu->periodic.expires.v, 1100);
	now = 1130;
	vcpu->periodic.fire(&vcpu->periodic);
	assert_int_equal(vcpu->periodic.expires.v, 1200);
	now = 1900; /* late: what was missed is not made up for */
	vcpu->periodic.fire(&vcpu->periodic);
	assert_int_equal(vcpu->periodic.expires.v, 2000);
	event_timer_periodic(vcpu, 0);
	assert_int_equal(vcpu->periodic.expires.v, 0);
}

static void test_interdomain(void **state)
{
	struct domain *a = &domains[0], *b = &domains[1];
	evtchn_port_t in_a, in_b, other;
	struct evtchn_status status;

	assert_int_equal(event_alloc_unbound(b, 0, &in_b), 0);
	assert_int_equal(event_send(b, in_b), 0); /* nobody is there yet */
	assert_int_equal(event_bind_interdomain(b, b, in_b, &other), -EINVAL);
	assert_int_equal(event_bind_interdomain(a, b, in_b + 1, &other), -EINVAL);
	assert_int_equal(event_bind_ipi(a, 0, &other), 0);
	assert_int_equal(event_bind_interdomain(a, b, in_b, &in_a), 0);
	assert_int_equal(event_bind_interdomain(a, b, in_b, &other), -EINVAL);
	assert_true(two_domains_pending(0, in_a));
	consume(0, 0, in_a);

	assert_int_equal(event_send(b, in_b), 0);
	assert_true(two_domains_pending(0, in_a));
	assert_int_equal(event_send(a, in_a), 0);
	assert_true(two_domains_pending(1, in_b));

	status.port = in_a;
	assert_int_equal(event_status(a, &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_interdomain);
	assert_int_equal(status.u.interdomain.dom, 1);
	assert_int_equal(status.u.interdomain.port, in_b);

	assert_int_equal(event_close(a, in_a), 0);
	status.port = in_b;
	assert_int_equal(event_status(b, &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_unbound);
	assert_int_equal(status.u.unbound.dom, 0);
	assert_int_equal(event_bind_interdomain(a, b, in_b, &in_a), 0);

	event_close_all(b);
	status.port = in_a;
	assert_int_equal(event_status(a, &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_unbound);
	assert_int_equal(event_send(a, in_a), 0);
	assert_int_equal(event_alloc_unbound(b, 0, &in_b), -EINVAL);
	assert_int_equal(event_bind_interdomain(b, a, in_a, &in_b), -EINVAL);
}

static void test_loopback(void **state)
{
	struct domain *a = &domains[0];
	evtchn_port_t first, second;

	assert_int_equal(event_alloc_unbound(a, 0, &first), 0);
	assert_int_equal(event_bind_interdomain(a, a, first, &second), 0);
	consume(0, 0, second);
	event_send(a, first);
	assert_true(two_domains_pending(0, second));
	assert_false(two_domains_pending(0, first));
	event_send(a, second);
	assert_true(two_domains_pending(0, first));
	assert_int_equal(event_close(a, second), 0);
	assert_int_equal(event_close(a, first), 0);
}

static void test_ports_run_out(void **state)
{
	evtchn_port_t port;

	for (unsigned n = 1; n < 1024; n++) {
		assert_int_equal(event_alloc_unbound(&domains[1], 0, &port), 0);
		assert_int_equal(port, n);
	}
	assert_int_equal(event_alloc_unbound(&domains[1], 0, &port), -ENOSPC);
	assert_int_equal(event_close(&domains[1], 500), 0);
	assert_int_equal(event_alloc_unbound(&domains[1], 0, &port), 0);
	assert_int_equal(port, 500);
}

static void test_vcpu_info_moves(void **state)
{
	static struct vcpu_info moved;
	evtchn_port_t port;

	event_bind_ipi(&domains[1], 0, &port);
	shared[1].vcpu_info[0].time.version = 42;
	event_vcpu_info_move(&vcpus[1][0], &moved);
	assert_int_equal(moved.time.version, 42);
	assert_int_equal(moved.evtchn_upcall_pending, 1);
	assert_int_equal(moved.evtchn_pending_sel, ~0UL);
	moved.evtchn_upcall_pending = 0;
	moved.evtchn_pending_sel = 0;
	event_send(&domains[1], port);
	assert_int_equal(moved.evtchn_upcall_pending, 1);
	assert_int_equal(moved.evtchn_pending_sel, 1);
}

/* A 32-bit kernel's: 32 words of 32 bits, and the selector in the first half of where the other has it. */
static void test_narrow(void **state)
{
	struct narrow_shared_info *view = (void *)&shared[1];
	evtchn_port_t port;

	assert_int_equal(event_layout_change(&domains[1], &layout_narrow), 0);
	for (unsigned n = 1; n <= 40; n++)
		assert_int_equal(event_bind_ipi(&domains[1], 1, &port), 0);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_int_equal(view->evtchn_pending[1], 1u << 8);
	assert_int_equal(view->vcpu_info[1].evtchn_pending_sel, 1u << 1);
	assert_int_equal(view->vcpu_info[1].evtchn_upcall_pending, 1);
	assert_int_equal(view->vcpu_info[1].arch[0], 0);
	assert_int_equal(kicks[1][1], 1);

	memset(view->vcpu_info, 0, sizeof(view->vcpu_info));
	memset(view->evtchn_pending, 0, sizeof(view->evtchn_pending));
	view->evtchn_mask[1] = 1u << 8;
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_int_equal(kicks[1][1], 1);
	assert_int_equal(event_unmask(&domains[1], port), 0);
	assert_int_equal(view->evtchn_mask[1], 0);
	assert_int_equal(kicks[1][1], 2);

	event_vcpu_info_moved(&vcpus[1][1]);
	assert_int_equal(view->vcpu_info[1].evtchn_pending_sel, ~0u);
	assert_int_equal(view->vcpu_info[1].arch[0], 0);
}

static evtchn_port_t bind_until_none(unsigned id)
{
	evtchn_port_t port = 0;

	while (!event_alloc_unbound(&domains[id], 0, &port))
		;
	return port;
}

/* Changing over never loses a port; 32-bit kernels have 1023, or as many as all others in the FIFO form. */
static void test_narrow_ports(void **state)
{
	struct evtchn_init_control init = { .control_gfn = CONTROL_GFN };

	assert_int_equal(bind_until_none(0), 4095);
	assert_int_equal(event_layout_change(&domains[0], &layout_narrow), -EBUSY);
	assert_ptr_equal(domains[0].layout, &layout_wide);
	for (evtchn_port_t port = 1024; port < 4096; port++)
		assert_int_equal(event_close(&domains[0], port), 0);
	assert_int_equal(event_layout_change(&domains[0], &layout_narrow), 0);
	assert_ptr_equal(vcpus[0][1].layout, &layout_narrow);
	assert_int_equal(bind_until_none(0), 0);
	assert_int_equal(event_send(&domains[0], 1024), -EINVAL);
	assert_int_equal(event_layout_change(&domains[0], &layout_wide), 0);
	assert_int_equal(bind_until_none(0), 4095);

	assert_int_equal(event_reset(&domains[0]), 0);
	assert_int_equal(event_layout_change(&domains[0], &layout_narrow), 0);
	assert_int_equal(event_fifo_init_control(&domains[0], &init), 0);
	assert_int_equal(bind_until_none(0), EVTCHN_FIFO_NR_CHANNELS - 1);
	assert_int_equal(event_layout_change(&domains[0], &layout_wide), 0);
	assert_int_equal(event_layout_change(&domains[0], &layout_narrow), 0);
	assert_int_equal(event_reset(&domains[0]), 0);
	assert_int_equal(bind_until_none(0), 1023);
}

static void test_poll(void **state)
{
	struct vcpu *vcpu = &vcpus[1][1];
	evtchn_port_t ports[2], other;

	event_bind_ipi(&domains[1], 1, &ports[0]);
	event_bind_ipi(&domains[1], 1, &ports[1]);
	event_bind_ipi(&domains[1], 0, &other);
	bit_set(ports[0], shared[1].evtchn_mask);
	bit_set(ports[1], shared[1].evtchn_mask);
	bit_set(other, shared[1].evtchn_mask);

	assert_int_equal(event_poll(vcpu, &(evtchn_port_t){ 999 }, 1, NANOS(0)), -EINVAL);
	assert_false(vcpu->blocked);

	assert_int_equal(event_poll(vcpu, ports, 2, NANOS(0)), 0);
	assert_true(vcpu->blocked);
	event_send(&domains[1], other);
	assert_true(vcpu->blocked);
	event_send(&domains[1], ports[1]);
	assert_false(vcpu->blocked);

	assert_int_equal(event_poll(vcpu, ports, 2, NANOS(0)), 0); /* still pending */
	assert_false(vcpu->blocked);
	bit_clear(ports[1], shared[1].evtchn_pending);

	assert_int_equal(event_poll(vcpu, ports, 2, NANOS(5000)), 0);
	assert_true(vcpu->blocked);
	assert_int_equal(vcpu->poll_timer.expires.v, 5000);
	vcpu->poll_timer.fire(&vcpu->poll_timer);
	assert_false(vcpu->blocked);
	wakes = 0;
	vcpu->poll_timer.fire(&vcpu->poll_timer); /* nobody waits any more */
	assert_int_equal(wakes, 0);

	vcpu->info->evtchn_upcall_pending = 1;
	event_poll(vcpu, ports, 2, NANOS(0));
	assert_true(vcpu->blocked); /* interrupts are off: the upcall cannot be taken */
	sched_wake(vcpu);
	vcpu->regs.rflags = RFLAGS_IF;
	event_poll(vcpu, ports, 2, NANOS(0));
	assert_false(vcpu->blocked);
}

#define EVENT_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, two_domains_set_up, two_domains_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT_TEST(test_ipi),           EVENT_TEST(test_mask),
		EVENT_TEST(test_virq),          EVENT_TEST(test_periodic),
		EVENT_TEST(test_interdomain),   EVENT_TEST(test_loopback),
		EVENT_TEST(test_ports_run_out), EVENT_TEST(test_vcpu_info_moves),
		EVENT_TEST(test_narrow),        EVENT_TEST(test_narrow_ports),
		EVENT_TEST(test_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
