/* Event channels in the FIFO form, with a guest that takes its queues apart. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/event/event.c xen-core/event/pair.c xen-core/event/table.c xen-core/event/deliver.c xen-core/event/poll.c xen-core/event/port_2l.c xen-core/event/port_fifo.c xen-core/event/fifo_setup.c xen-core/event/timer.c xen-core/event/unit.c xen-core/event/layout.c xen-core/vcpu/layout.c xen-core/lib/shape.c tests/unit/two_domains.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "event/channel.h"
#include "event/event.h"
#include "event/fifo.h"
#include "lib/errno.h"
#include "tests/unit/two_domains.h"

enum { CONTROL_GFN = 20, PORTS = 200 };

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
	init.control_gfn = TWO_DOMAINS_PAGES;
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
	assert_true(two_domains_pending(1, port));
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

#define EVENT_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, two_domains_set_up, two_domains_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENT_TEST(test_fifo_refusals),        EVENT_TEST(test_fifo_early),
		EVENT_TEST(test_fifo_order),           EVENT_TEST(test_fifo_reset),
		EVENT_TEST(test_fifo_closed_in_queue), EVENT_TEST(test_fifo_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
