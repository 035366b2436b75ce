/* Epochs from one domain into another on a fake hypervisor, which errs, stops short and lies. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: tests/unit/fake_hyper.c replication/hyper/hyper.c replication/capture/capture.c replication/apply/apply.c replication/apply/own_pages.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "replication/apply/apply.h"
#include "replication/capture/capture.h"
#include "tests/unit/fake_hyper.h"

#define SOURCE 1
#define SHADOW 2
#define PAGES  600u /* of the source: more than a batch */

static struct fake_hyper fake;
static struct hyper hyper;
static struct capture capture;
static struct apply apply;
static struct fake_domain *source, *shadow;

static const struct capture_limits limits = { .twins = 8, .batch_pages = 100, .batches = 3 };

static int set_up(void **state)
{
	fake_open(&fake, &hyper);
	source = fake_domain(&fake, SOURCE);
	shadow = fake_domain(&fake, SHADOW);
	for (unsigned int gfn = 0; gfn < PAGES; gfn++)
		fake_write(source, gfn, (uint8_t)gfn);
	/* What an empty domain is made with: some of it the source has not. */
	for (unsigned int gfn = 500; gfn < 700; gfn++)
		fake_write(shadow, gfn, 0xee);
	return 0;
}

static int tear_down(void **state)
{
	capture_end(&capture);
	apply_end(&apply);
	fake_close(&fake, &hyper);
	return 0;
}

static int begin(uint32_t staged)
{
	int err = apply_begin(&apply, &hyper, SHADOW, staged);

	return err ? err : capture_begin(&capture, &hyper, SOURCE, &limits);
}

static int move(int (*stage)(struct apply *, const struct hyper_pages *))
{
	int count, err = 0;

	while (!err && (count = capture_next(&capture)) > 0)
		err = stage(&apply, capture.batch);
	return err ? err : count;
}

static int first(void)
{
	int err = move(apply_first);

	return err ? err : apply_first_end(&apply);
}

static int stage_epoch(void)
{
	const void *records;
	uint32_t size;
	int err = capture_cut(&capture);

	if (!err)
		err = move(apply_stage);
	if (!err)
		err = capture_state(&capture, &records, &size);
	return err ? err : apply_stage_state(&apply, records, size);
}

static int hash(uint16_t domain, uint64_t *sum)
{
	struct checkpoint_hash step = { 0 };
	int err;

	do
		err = hyper_hash_step(&hyper, domain, &step);
	while (!err && step.gfn != CHECKPOINT_HASH_DONE);
	*sum = step.hash;
	return err;
}

static void assert_same(void)
{
	uint64_t a, b;

	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++)
		assert_int_equal(fake_read(source, gfn), fake_read(shadow, gfn));
	assert_int_equal(hash(SOURCE, &a), 0);
	assert_int_equal(hash(SHADOW, &b), 0);
	assert_int_equal(a, b);
}

static void test_first_epoch_makes_the_same(void **state)
{
	assert_int_equal(begin(0), 0);
	assert_int_equal(first(), 0);
	assert_same();
}

static void test_epochs_follow(void **state)
{
	fake.at_once = 7;
	assert_int_equal(begin(1000), 0);
	assert_int_equal(first(), 0);
	for (unsigned int epoch = 1; epoch < 10; epoch++) {
		for (unsigned int gfn = 0; gfn < 300; gfn += epoch)
			fake_write(source, gfn, (uint8_t)(gfn * epoch));
		fake_balloon(source, 400 + epoch);
		fake_write(source, 800 + epoch, 0x11);
		source->state[0] = (uint8_t)epoch;
		assert_int_equal(stage_epoch(), 0);
		assert_int_equal(capture.cut.epoch, epoch);
		assert_int_equal(apply_commit(&apply), 0);
		assert_same();
	}
	assert_int_equal(shadow->state[0], 0);
	assert_int_equal(apply_load(&apply), 0);
	assert_int_equal(shadow->state[0], 9);
	assert_int_equal(apply_activate(&apply, 1), -ETIME);
	assert_int_equal(apply_activate(&apply, 0), 0);
	assert_false(shadow->is_paused);
}

/* I2: as long as an epoch is not committed, nothing of it is to be seen, nor after it was dropped. */
static void test_staged_is_not_seen(void **state)
{
	assert_int_equal(begin(1000), 0);
	assert_int_equal(first(), 0);
	fake_write(source, 3, 0x55);
	source->state[0] = 1;
	assert_int_equal(stage_epoch(), 0);
	assert_int_equal(fake_read(shadow, 3), 3);
	assert_int_equal(apply_load(&apply), -ENODATA);
	apply_drop(&apply);
	assert_int_equal(apply_commit(&apply), -ENODATA);
	assert_int_equal(fake_read(shadow, 3), 3);
	/* The next one is whole again by itself. */
	fake_write(source, 4, 0x66);
	assert_int_equal(stage_epoch(), 0);
	assert_int_equal(apply_commit(&apply), 0);
	assert_int_equal(fake_read(shadow, 4), 0x66);
	assert_int_equal(fake_read(shadow, 3), 3);
}

static void test_staging_is_bounded(void **state)
{
	assert_int_equal(begin(300), 0);
	assert_int_equal(first(), 0);
	for (unsigned int gfn = 0; gfn < 512; gfn++)
		fake_write(source, gfn, 0x77);
	assert_int_equal(stage_epoch(), 0);
	assert_int_equal(apply_commit(&apply), 0);
	for (unsigned int gfn = 0; gfn < 513; gfn++)
		fake_write(source, gfn, 0x78);
	assert_int_equal(stage_epoch(), -ENOSPC);
	apply_drop(&apply);
	assert_int_equal(fake_read(shadow, 0), 0x77);
}

static void test_order(void **state)
{
	struct capture another;
	const void *records;
	uint32_t size;

	assert_int_equal(begin(300), 0);
	assert_int_equal(capture_state(&capture, &records, &size), -ENODATA);
	assert_int_equal(capture_cut(&capture), -EBUSY);
	assert_int_equal(first(), 0);
	assert_int_equal(capture_next(&capture), 0);
	assert_int_equal(capture_cut(&capture), 0);
	assert_int_equal(capture_next(&capture), 0);
	assert_int_equal(capture_begin(&another, &hyper, SOURCE, &limits), -EBUSY);
	assert_int_equal(capture_begin(&another, &hyper, 3, &limits), -ESRCH);
}

/* Who encodes them in threads reads some batches while others are taken. */
static void test_batches_stay(void **state)
{
	const struct hyper_pages *batches[3];
	uint64_t gfn = 0;

	assert_int_equal(begin(0), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(capture_next(&capture), 100);
		batches[i] = capture.batch;
	}
	for (int i = 0; i < 3; i++) {
		for (int page = 0; page < 100; page++, gfn++) {
			assert_int_equal(batches[i]->pages[page].gfn, gfn);
			assert_int_equal(batches[i]->contents[page * HYPER_PAGE_SIZE], gfn & 0xff);
		}
	}
	assert_int_equal(capture_next(&capture), 100);
	assert_ptr_equal(capture.batch, batches[0]);
}

static void test_batches_are_bounded(void **state)
{
	struct capture_limits wrong = limits;

	wrong.batches = 0;
	assert_int_equal(capture_begin(&capture, &hyper, SOURCE, &wrong), -EINVAL);
	wrong.batches = CAPTURE_BATCHES_MAX + 1;
	assert_int_equal(capture_begin(&capture, &hyper, SOURCE, &wrong), -EINVAL);
}

/* Whatever call fails, that is what is reported, nothing is held, and a commit that was refused is tried again. */
static void test_any_call_fails(void **state)
{
	int err = 1;

	for (int call = 1; err; call++) {
		tear_down(state);
		set_up(state);
		fake.fail_at = call;
		fake.fail = -ENODATA - 1000;
		err = begin(1000);
		if (!err)
			err = first();
		fake_write(source, 3, 0x55);
		if (!err)
			err = stage_epoch();
		if (!err)
			err = apply_commit(&apply);
		if (!err)
			err = apply_load(&apply);
		assert_true(err == 0 || err == fake.fail);
		assert_true(call < 100);
	}
	assert_int_equal(fake_read(shadow, 3), 0x55);
}

static void test_commit_again(void **state)
{
	assert_int_equal(begin(1000), 0);
	assert_int_equal(first(), 0);
	for (unsigned int gfn = 0; gfn < 512; gfn++)
		fake_write(source, gfn, 0x77);
	assert_int_equal(stage_epoch(), 0);
	fake.fail_at = fake.calls + 2;
	fake.fail = -ENOMEM;
	assert_int_equal(apply_commit(&apply), -ENOMEM);
	assert_int_equal(apply_load(&apply), -ENODATA);
	assert_int_equal(apply_commit(&apply), 0);
	assert_same();
}

static void test_any_allocation_fails(void **state)
{
	int err = -ENOMEM;

	for (int alloc = 2; err; alloc++) {
		tear_down(state);
		set_up(state);
		fake.alloc_at = alloc;
		err = begin(1000);
		if (!err)
			err = first();
		if (!err)
			err = stage_epoch();
		assert_true(err == 0 || err == -ENOMEM);
		assert_true(alloc < 100);
	}
}

static void claim_more_pages(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_FETCH)
		op->u.fetch.count = 101;
}

static void claim_none_of_some(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_FETCH) {
		op->u.fetch.count = 0;
		op->u.fetch.left = 5;
	}
}

static void apply_none(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_APPLY)
		op->u.apply.count = 0;
}

static void apply_too_many(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_APPLY)
		op->u.apply.count++;
}

static void grow_state(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_STATE)
		op->u.state.size = FAKE_STATE + 1;
}

static void vast_state(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_CUT)
		op->u.cut.state_size = CHECKPOINT_STATE_MAX + 1;
}

static void stand_still(struct checkpoint_op *op)
{
	if (op->operation == CHECKPOINT_HASH)
		op->u.hash.gfn = 0;
}

static void test_lies(void **state)
{
	uint64_t sum;

	assert_int_equal(begin(1000), 0);
	fake.twist = claim_more_pages;
	assert_int_equal(capture_next(&capture), -EPROTO);
	fake.twist = claim_none_of_some;
	assert_int_equal(capture_next(&capture), -EPROTO);
	fake.twist = apply_none;
	assert_int_equal(move(apply_first), -EPROTO);
	fake.twist = apply_too_many;
	assert_int_equal(move(apply_first), -EPROTO);
	fake.twist = stand_still;
	assert_int_equal(hash(SOURCE, &sum), -EPROTO);
	fake.twist = NULL;
	assert_int_equal(first(), 0);
	fake.twist = vast_state;
	assert_int_equal(capture_cut(&capture), -EPROTO);
	fake.twist = grow_state;
	assert_int_equal(stage_epoch(), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_epoch_makes_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_epochs_follow, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_staged_is_not_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_staging_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batches_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_batches_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_call_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_commit_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_allocation_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
