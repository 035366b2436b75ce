/* Jobs beside the loop: done, left alone before and after their end. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: common/aside.c */
/* libs: -lev */

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/aside.h"

struct order {
	sem_t may_end, was_dropped;
	int err, done_err, drop_err;
	int dones;
};

static struct ev_loop *loop;

static int work(void *data)
{
	struct order *order = data;

	sem_wait(&order->may_end);
	return order->err;
}

static void done(void *data, void *order, int err)
{
	assert_ptr_equal(data, order);
	((struct order *)order)->done_err = err;
	((struct order *)order)->dones++;
	ev_break(loop, EVBREAK_ONE);
}

static void drop(void *data, int err)
{
	struct order *order = data;

	order->drop_err = err;
	sem_post(&order->was_dropped);
}

static void init(struct order *order, int err)
{
	*order = (struct order){ .err = err };
	sem_init(&order->may_end, 0, 0);
	sem_init(&order->was_dropped, 0, 0);
}

static struct aside *begin(struct order *order)
{
	const struct aside_job job = { work, done, drop, order, order };
	struct aside *aside;

	assert_int_equal(aside_open(loop, &aside), 0);
	assert_false(aside_is_busy(aside));
	assert_int_equal(aside_begin(aside, &job), 0);
	assert_true(aside_is_busy(aside));
	return aside;
}

static void test_done_on_the_loop(void **state)
{
	struct order order;
	struct aside *aside;

	(void)state;
	init(&order, -ENOTCONN);
	aside = begin(&order);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(order.dones, 0); /* the loop does not wait for it */
	for (int turn = 1; turn <= 2; turn++) {
		sem_post(&order.may_end);
		ev_run(loop, 0);
		assert_int_equal(order.dones, turn);
		assert_int_equal(order.done_err, -ENOTCONN);
		assert_false(aside_is_busy(aside));
		if (turn == 1)
			assert_int_equal(aside_begin(aside, &(struct aside_job){ work, done, drop,
			                                                         &order, &order }),
			                 0);
	}
	aside_close(aside);
}

static void test_left_while_it_works(void **state)
{
	struct order order;

	(void)state;
	init(&order, -EIO);
	aside_close(begin(&order));
	sem_post(&order.may_end);
	sem_wait(&order.was_dropped);
	assert_int_equal(order.drop_err, -EIO);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(order.dones, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_done_on_the_loop),
		cmocka_unit_test(test_left_while_it_works),
	};

	loop = ev_default_loop(EVFLAG_AUTO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
