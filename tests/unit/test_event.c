/* Event channels: binding, delivery in both forms, polling, two domains; no order of locks is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/event/event.c xen-core/event/pair.c xen-core/event/table.c xen-core/event/deliver.c xen-core/event/poll.c xen-core/event/port_2l.c xen-core/event/port_fifo.c xen-core/event/fifo_setup.c xen-core/event/timer.c xen-core/event/unit.c xen-core/event/layout.c xen-core/vcpu/layout.c xen-core/lib/shape.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/narrow.h"
#include "domain/clock.h"
#include "event/channel.h"
#include "event/event.h"
#include "event/fifo.h"
#include "hw/cpu.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/sched.h"

enum { PAGES = 32, CONTROL_GFN = 20, PORTS = 200 };

static _Alignas(4096) char guest_memory[PAGES][PAGE_SIZE];
static unsigned pins;
static unsigned kicks[2][2], wakes; /* by domain and vCPU */
static uint64_t now = 1000;
static unsigned levels_held;

/* --- what the event channels stand on --- */

struct domain *dom0;

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *object)
{
	free(object);
}

void lock_init(struct lock *lock, enum lock_level level)
{
	*lock = (struct lock)LOCK_INIT(level);
}

void lock_take(struct lock *lock)
{
	assert_true(lock->serving == lock->next);
	assert_true(levels_held < BIT(lock->level));
	levels_held |= BIT(lock->level);
	lock->next++;
}

void lock_release(struct lock *lock)
{
	assert_true(levels_held & BIT(lock->level));
	levels_held &= ~BIT(lock->level);
	lock->serving++;
}

bool lock_is_held(const struct lock *lock)
{
	return lock->serving != lock->next;
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	abort();
}

int access_pin(struct p2m *p2m, gfn_t gfn, struct access_pin *pin)
{
	if (gfn.v >= PAGES)
		return -EFAULT;
	*pin = (struct access_pin){ .mfn = MFN(gfn.v), .address = guest_memory[gfn.v] };
	pins++;
	return 0;
}

void access_unpin(struct access_pin *pin)
{
	if (pin->address)
		pins--;
	*pin = (struct access_pin){ .mfn = MFN_NONE };
}

void sched_kick(struct vcpu *vcpu)
{
	kicks[vcpu->domain->id][vcpu->id]++;
	vcpu->blocked = false;
}

void sched_wake(struct vcpu *vcpu)
{
	wakes++;
	vcpu->blocked = false;
}

void sched_block(struct vcpu *vcpu)
{
	vcpu->blocked = true;
}

void domain_clock_publish_wall(struct domain *domain)
{
	(void)domain;
}

nanos_t clock_now(void)
{
	return NANOS(now);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
	*timer = (struct timer){ .fire = fire };
}

void timer_set(struct timer *timer, struct cpu *cpu, nanos_t expires)
{
	timer->expires = expires;
}

void timer_stop(struct timer *timer)
{
	timer->expires = NANOS(0);
}

void timer_retire(struct timer *timer)
{
	timer_stop(timer);
}

/* --- two domains of two vCPUs each --- */

static struct domain domains[2];
static struct vcpu vcpus[2][2];
static struct shared_info shared[2];

static void domain_make(unsigned id)
{
	struct domain_config config = { .max_event_ports = id ? 1023 : 0 };
	struct domain *domain = &domains[id];

	memset(domain, 0, sizeof(*domain));
	memset(&shared[id], 0, sizeof(shared[id]));
	domain->id = (domid_t)id;
	domain->shared_info = &shared[id];
	domain->layout = &layout_wide;
	assert_int_equal(event_unit.domain_create(domain, &config), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct vcpu *vcpu = &vcpus[id][i];

		memset(vcpu, 0, sizeof(*vcpu));
		vcpu->id = i;
		vcpu->domain = domain;
		vcpu->info = &shared[id].vcpu_info[i];
		vcpu->layout = domain->layout;
		assert_int_equal(event_unit.vcpu_create(vcpu), 0);
		domain->vcpus[i] = vcpu;
	}
}

static int setup(void **state)
{
	memset(guest_memory, 0, sizeof(guest_memory));
	memset(kicks, 0, sizeof(kicks));
	wakes = 0;
	domain_make(0);
	domain_make(1);
	dom0 = &domains[0];
	return 0;
}

static int teardown(void **state)
{
	for (unsigned id = 0; id < 2; id++) {
		if (!domains[id].events)
			continue;
		for (unsigned i = 0; i < 2; i++)
			event_unit.vcpu_destroy(&vcpus[id][i]);
		event_unit.domain_destroy(&domains[id]);
	}
	assert_int_equal(pins, 0);
	assert_int_equal(levels_held, 0);
	return 0;
}

static bool pending(unsigned id, evtchn_port_t port)
{
	return bit_test(port, shared[id].evtchn_pending);
}

/* As the guest's handler does, for one port. */
static void consume(unsigned id, unsigned vcpu, evtchn_port_t port)
{
	shared[id].vcpu_info[vcpu].evtchn_upcall_pending = 0;
	bit_clear(port / 64, &shared[id].vcpu_info[vcpu].evtchn_pending_sel);
	bit_clear(port, shared[id].evtchn_pending);
}

/* --- tests --- */

static void test_ipi(void **state)
{
	evtchn_port_t port;

	assert_int_equal(event_bind_ipi(&domains[1], 2, &port), -ENOENT);
	assert_int_equal(event_bind_ipi(&domains[1], 1, &port), 0);
	assert_int_equal(port, 1);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_int_equal(event_send(&domains[1], port), 0);
	assert_true(pending(1, port));
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
	assert_true(pending(1, port));
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
	assert_true(pending(0, console));
	assert_int_equal(kicks[0][1], 1);

	event_timer_singleshot(&vcpus[0][1], NANOS(5000));
	vcpus[0][1].singleshot.fire(&vcpus[0][1].singleshot);
	assert_true(pending(0, timer));

	status.port = console;
	assert_int_equal(event_status(&domains[0], &status), 0);
	assert_int_equal(status.status, EVTCHNSTAT_virq);
	assert_int_equal(status.u.virq, VIRQ_CONSOLE);
	assert_int_equal(status.vcpu, 1);

	assert_int_equal(event_close(&domains[0], console), 0);
	assert_false(pending(0, console));
	assert_int_equal(event_close(&domains[0], console), -EINVAL);
	event_raise_global_virq(VIRQ_CONSOLE);
	assert_false(pending(0, console));
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
	assert_true(pending(0, in_a));
	consume(0, 0, in_a);

	assert_int_equal(event_send(b, in_b), 0);
	assert_true(pending(0, in_a));
	assert_int_equal(event_send(a, in_a), 0);
	assert_true(pending(1, in_b));

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
	assert_true(pending(0, second));
	assert_false(pending(0, first));
	event_send(a, second);
	assert_true(pending(0, first));
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

/* --- FIFO, with a guest that takes its queues apart --- */

struct consumer {
	uint32_t heads[EVTCHN_FIFO_MAX_QUEUES];
};

static event_word_t *guest_word(evtchn_port_t port)
{
	return (event_word_t *)guest_memory[port / FIFO_WORDS_PER_PAGE] +
	       port % FIFO_WORDS_PER_PAGE;
}

static struct evtchn_fifo_control_block *control_of(unsigned vcpu)
{
	return (void *)guest_memory[CONTROL_GFN + vcpu];
}

static void fifo_start(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct evtchn_init_control init = { .control_gfn = CONTROL_GFN + i, .vcpu = i };

		assert_int_equal(event_fifo_init_control(&domains[1], &init), 0);
		assert_int_equal(init.link_bits, EVTCHN_FIFO_LINK_BITS);
	}
}

/* Takes one event off; 0 if all queues are empty. */
static evtchn_port_t take(struct consumer *guest, unsigned vcpu, uint32_t *ready)
{
	struct evtchn_fifo_control_block *control = control_of(vcpu);

	for (*ready |= control->ready, control->ready = 0; *ready;
	     *ready |= control->ready, control->ready = 0) {
		unsigned queue = (unsigned)__builtin_ctz(*ready);
		evtchn_port_t port = guest->heads[queue] ? guest->heads[queue]
		                                         : control->head[queue];
		event_word_t *word = guest_word(port);

		assert_true(*word & 1U << EVTCHN_FIFO_LINKED);
		guest->heads[queue] = *word & EVTCHN_FIFO_LINK_MASK;
		*word &= ~(1U << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK);
		if (!guest->heads[queue])
			*ready &= ~(1U << queue);
		if (*word >> EVTCHN_FIFO_PENDING & 1 && !(*word >> EVTCHN_FIFO_MASKED & 1)) {
			*word &= ~(1U << EVTCHN_FIFO_PENDING);
			return port;
		}
	}
	return 0;
}

static evtchn_port_t take_one(unsigned vcpu)
{
	struct consumer guest = { 0 };
	uint32_t ready = 0;
	evtchn_port_t port;

	vcpus[1][vcpu].info->evtchn_upcall_pending = 0;
	port = take(&guest, vcpu, &ready);
	assert_int_equal(take(&guest, vcpu, &ready), 0);
	return port;
}

static void test_fifo_refusals(void **state)
{
	struct evtchn_init_control init = { .control_gfn = CONTROL_GFN };
	struct domain *domain = &domains[1];

	assert_int_equal(event_fifo_expand_array(domain, 0), -EINVAL);
	assert_int_equal(event_set_priority(domain, 1, 0), -ENOSYS);
	init.vcpu = 2;
	assert_int_equal(event_fifo_init_control(domain, &init), -ENOENT);
	init.vcpu = 0;
	init.offset = 4;
	assert_int_equal(event_fifo_init_control(domain, &init), -EINVAL);
	init.offset = PAGE_SIZE - 8;
	assert_int_equal(event_fifo_init_control(domain, &init), -EINVAL);
	init.offset = 0;
	init.control_gfn = PAGES;
	assert_int_equal(event_fifo_init_control(domain, &init), -EINVAL);
	fifo_start();
	init.control_gfn = CONTROL_GFN;
	assert_int_equal(event_fifo_init_control(domain, &init), -EINVAL); /* a second time */
	assert_int_equal(event_fifo_expand_array(domain, 0), 0);
	assert_int_equal(event_fifo_expand_array(domain, 1),
	                 -ENOSPC); /* all 1024 ports have words */
}

static void test_fifo_early(void **state)
{
	evtchn_port_t before, after;

	event_bind_ipi(&domains[1], 0, &before);
	event_send(&domains[1], before); /* in the old form */
	fifo_start();
	event_bind_ipi(&domains[1], 1, &after);
	event_send(&domains[1], after); /* without a word */
	assert_int_equal(event_fifo_expand_array(&domains[1], 0), 0);
	assert_int_equal(take_one(0), before);
	assert_int_equal(take_one(1), after);
}

static void test_fifo_order(void **state)
{
	struct consumer guest = { 0 };
	evtchn_port_t ports[4];
	uint32_t ready = 0;

	fifo_start();
	event_fifo_expand_array(&domains[1], 0);
	for (unsigned i = 0; i < 4; i++)
		event_bind_ipi(&domains[1], 0, &ports[i]);
	assert_int_equal(event_set_priority(&domains[1], ports[2], 0), 0);
	assert_int_equal(event_set_priority(&domains[1], ports[2], 16), -EINVAL);
	*guest_word(ports[3]) |= 1U << EVTCHN_FIFO_MASKED;
	for (unsigned i = 0; i < 4; i++)
		event_send(&domains[1], ports[i]);
	assert_int_equal(kicks[1][0], 1);
	assert_int_equal(take(&guest, 0, &ready), ports[2]);
	assert_int_equal(take(&guest, 0, &ready), ports[0]);
	assert_int_equal(take(&guest, 0, &ready), ports[1]);
	assert_int_equal(take(&guest, 0, &ready), 0);
	event_unmask(&domains[1], ports[3]);
	assert_int_equal(take(&guest, 0, &ready), ports[3]);
}

static void test_fifo_reset(void **state)
{
	evtchn_port_t port;

	fifo_start();
	event_fifo_expand_array(&domains[1], 0);
	event_bind_ipi(&domains[1], 0, &port);
	event_send(&domains[1], port);
	assert_int_equal(event_reset(&domains[1]), 0);
	assert_int_equal(pins, 0);
	assert_int_equal(event_bind_ipi(&domains[1], 0, &port), 0);
	assert_int_equal(port, 1);
	event_send(&domains[1], port);
	assert_true(pending(1, port));
	fifo_start();
}

/* A port that is closed in a queue must not be given out while the queue leads through it. */
static void test_fifo_closed_in_queue(void **state)
{
	evtchn_port_t first, second, third;

	fifo_start();
	event_fifo_expand_array(&domains[1], 0);
	event_bind_ipi(&domains[1], 0, &first);
	event_bind_ipi(&domains[1], 0, &second);
	event_send(&domains[1], first);
	event_send(&domains[1], second);
	event_close(&domains[1], first);
	event_bind_ipi(&domains[1], 0, &third);
	assert_int_not_equal(third, first);
	assert_int_equal(take_one(0), second);
	event_bind_ipi(&domains[1], 0, &third);
	assert_int_equal(third, first);
}

/*
 * Random sends, masks, moves between vCPUs and priorities, while both vCPUs take events now and
 * then. At the end nothing is left pending or linked that the queues do not lead to.
 */
static void test_fifo_random(void **state)
{
	struct domain *domain = &domains[1];
	struct consumer guest[2] = { 0 };
	uint32_t ready[2] = { 0 };
	evtchn_port_t port, peer;

	srand(1);
	fifo_start();
	event_fifo_expand_array(domain, 0);
	for (unsigned i = 1; i < PORTS; i++) { /* loops: sent to through their peers */
		event_alloc_unbound(domain, 1, &peer);
		event_bind_interdomain(domain, domain, peer, &port);
	}
	for (unsigned n = 0; n < 400000; n++) {
		unsigned vcpu = (unsigned)rand() % 2;

		port = 1 + (unsigned)rand() % (2 * (PORTS - 1));
		switch (rand() % 8) {
		case 0:
			event_bind_vcpu(domain, port, vcpu);
			break;
		case 1:
			event_set_priority(domain, port, (unsigned)rand() % 16);
			break;
		case 2:
			*guest_word(port) |= 1U << EVTCHN_FIFO_MASKED;
			break;
		case 3:
			event_unmask(domain, port);
			break;
		case 4:
		case 5:
			take(&guest[vcpu], vcpu, &ready[vcpu]);
			break;
		default:
			event_send(domain, port);
		}
	}
	for (port = 1; port < 2 * PORTS - 1; port++)
		event_unmask(domain, port);
	for (unsigned vcpu = 0; vcpu < 2; vcpu++)
		while (take(&guest[vcpu], vcpu, &ready[vcpu]))
			;
	for (port = 1; port < 2 * PORTS - 1; port++)
		assert_int_equal(*guest_word(port), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ipi, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mask, setup, teardown),
		cmocka_unit_test_setup_teardown(test_virq, setup, teardown),
		cmocka_unit_test_setup_teardown(test_periodic, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interdomain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loopback, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_vcpu_info_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_narrow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_narrow_ports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poll, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_early, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_closed_in_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fifo_random, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
