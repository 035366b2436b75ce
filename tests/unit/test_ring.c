/* Rings shared with a frontend: order, bounds, wrap-around, and a process killed while it publishes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/ring.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/backend/ring.h"

#define SLOT     12u
#define RESPONSE 4u
#define SLOTS    256u

struct fixture {
	struct ring_page *page;
	struct ring_journal journal;
	struct ring ring;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->page = calloc(1, RING_PAGE_SIZE);
	f->page->rsp_event = 1;
	assert_int_equal(ring_open(&f->ring, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal,
	                           false),
	                 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->page);
	free(f);
	return 0;
}

static void put_request(struct fixture *f, uint32_t number)
{
	uint8_t *slot = f->page->slots + (f->page->req_prod % SLOTS) * SLOT;

	memset(slot, 0x77, SLOT);
	memcpy(slot, &number, sizeof(number));
	f->page->req_prod++;
}

static uint32_t slot_word(struct fixture *f, uint32_t index)
{
	uint32_t word;

	memcpy(&word, f->page->slots + (index % SLOTS) * SLOT, sizeof(word));
	return word;
}

static void sizes_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(ring_slots(4096, 12), 256);
	assert_int_equal(ring_slots(4096, 8), 256);
	assert_int_equal(ring_slots(4096, 112), 32);
	assert_int_equal(ring_slots(8192, 112), 64);
	assert_int_equal(ring_slots(4096, 108), 32);
}

static void requests_are_read_and_answered_in_order(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t copy[SLOT / 4];
		uint32_t answer = i + 5000;

		put_request(f, i);
		assert_int_equal(ring_unread(&f->ring), 1);
		ring_peek(&f->ring, 0, copy);
		assert_int_equal(copy[0], i);
		ring_consume(&f->ring, 1);
		ring_respond(&f->ring, &answer, 1);
		assert_int_equal(f->page->rsp_prod, i + 1);
		assert_int_equal(slot_word(f, i), i + 5000);
	}
}

static void more_requests_than_slots_are_refused(void **state)
{
	struct fixture *f = *state;

	f->page->req_prod = SLOTS;
	assert_int_equal(ring_unread(&f->ring), (int)SLOTS);
	f->page->req_prod = SLOTS + 1;
	assert_int_equal(ring_unread(&f->ring), -EPROTO);
	f->page->req_prod = UINT32_MAX;
	assert_int_equal(ring_unread(&f->ring), -EPROTO);
	assert_int_equal(ring_open(&f->ring, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal,
	                           true),
	                 -EPROTO);
}

static void outstanding_requests_count_against_the_slots(void **state)
{
	struct fixture *f = *state;

	f->page->req_prod = 10;
	ring_consume(&f->ring, 10);
	f->page->req_prod = SLOTS;
	assert_int_equal(ring_unread(&f->ring), (int)SLOTS - 10);
	f->page->req_prod = SLOTS + 1;
	assert_int_equal(ring_unread(&f->ring), -EPROTO);
}

static void the_frontend_is_notified_when_it_asked(void **state)
{
	struct fixture *f = *state;
	uint32_t answers[4] = { 0 };

	for (uint32_t i = 0; i < 8; i++)
		put_request(f, i);
	ring_consume(&f->ring, 8);
	f->page->rsp_event = 3;
	assert_false(ring_respond(&f->ring, answers, 2));
	assert_true(ring_respond(&f->ring, answers, 1));
	assert_false(ring_respond(&f->ring, answers, 1));
	f->page->rsp_event = 5;
	assert_true(ring_respond(&f->ring, answers, 4));
}

static void asking_shows_what_came_meanwhile(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ring_ask(&f->ring), 0);
	assert_int_equal(f->page->req_event, 1);
	put_request(f, 1);
	assert_int_equal(ring_ask(&f->ring), 1);
	assert_int_equal(ring_ask_for_more(&f->ring), 1);
	assert_int_equal(f->page->req_event, 2);
}

static void a_successor_begins_at_the_outstanding_requests(void **state)
{
	struct fixture *f = *state;
	struct ring next;
	uint32_t answers[3] = { 0 };
	uint32_t copy[SLOT / 4];

	for (uint32_t i = 0; i < 10; i++)
		put_request(f, i);
	ring_consume(&f->ring, 7);
	ring_respond(&f->ring, answers, 3);
	assert_int_equal(
		ring_open(&next, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal, true), 0);
	assert_int_equal(ring_unread(&next), 7);
	for (uint32_t i = 0; i < 7; i++) {
		ring_peek(&next, i, copy);
		assert_int_equal(copy[0], i + 3);
	}
}

/* Dead after the journal was armed and some slots were overwritten, but nothing was published. */
static void a_torn_publication_is_finished_by_the_successor(void **state)
{
	struct fixture *f = *state;
	struct ring next;
	uint32_t answers[4] = { 100, 101, 102, 103 };

	for (uint32_t i = 0; i < 6; i++)
		put_request(f, i);
	f->journal.from = 0;
	f->journal.count = 4;
	memcpy(f->journal.responses, answers, sizeof(answers));
	f->journal.armed = 1;
	memcpy(f->page->slots, &answers[0], 4);
	memcpy(f->page->slots + SLOT, &answers[1], 4);

	assert_int_equal(
		ring_open(&next, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal, true), 0);
	assert_int_equal(f->page->rsp_prod, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(slot_word(f, i), 100 + i);
	assert_int_equal(ring_unread(&next), 2);
	assert_int_equal(f->journal.armed, 0);
}

/* Dead after publishing, before the journal was disarmed: nothing is answered twice. */
static void a_finished_publication_is_not_repeated(void **state)
{
	struct fixture *f = *state;
	struct ring next;

	for (uint32_t i = 0; i < 6; i++)
		put_request(f, i);
	f->journal.from = 0;
	f->journal.count = 4;
	f->journal.armed = 1;
	f->page->rsp_prod = 4;
	assert_int_equal(
		ring_open(&next, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal, true), 0);
	assert_int_equal(f->page->rsp_prod, 4);
	assert_int_equal(slot_word(f, 4), 4);
	assert_int_equal(ring_unread(&next), 2);
}

static void a_new_connection_forgets_the_journal(void **state)
{
	struct fixture *f = *state;
	struct ring next;

	put_request(f, 9);
	f->journal.count = 1;
	f->journal.armed = 1;
	assert_int_equal(
		ring_open(&next, f->page, RING_PAGE_SIZE, SLOT, RESPONSE, &f->journal, false), 0);
	assert_int_equal(f->page->rsp_prod, 0);
	assert_int_equal(slot_word(f, 0), 9);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_powers_of_two),
		RING_TEST(requests_are_read_and_answered_in_order),
		RING_TEST(more_requests_than_slots_are_refused),
		RING_TEST(outstanding_requests_count_against_the_slots),
		RING_TEST(the_frontend_is_notified_when_it_asked),
		RING_TEST(asking_shows_what_came_meanwhile),
		RING_TEST(a_successor_begins_at_the_outstanding_requests),
		RING_TEST(a_torn_publication_is_finished_by_the_successor),
		RING_TEST(a_finished_publication_is_not_repeated),
		RING_TEST(a_new_connection_forgets_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
