/* The ring a frontend shares with us: requests come in, responses go out in ring order. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/ring.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

_Static_assert(offsetof(struct ring_page, slots) == 64, "io/ring.h puts the slots at 64");

static uint32_t load(const uint32_t *shared)
{
	return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static uint8_t *slot(const struct ring *ring, uint32_t index)
{
	return ring->page->slots + (size_t)(index & (ring->slots - 1)) * ring->slot_bytes;
}

uint32_t ring_slots(size_t bytes, uint32_t slot_bytes)
{
	size_t fit = (bytes - offsetof(struct ring_page, slots)) / slot_bytes;
	uint32_t slots = 1;

	while (slots * 2 <= fit)
		slots *= 2;
	return slots;
}

/* Stores that another process may find half done when this one is killed: the compiler keeps their
 * order, and the processor shows them in it. */
static void barrier(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_responses(struct ring *ring, const uint8_t *responses, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		memcpy(slot(ring, ring->rsp_prod + i), responses + (size_t)i * ring->response_bytes,
		       ring->response_bytes);
	ring->rsp_prod += count;
	__atomic_store_n(&ring->page->rsp_prod, ring->rsp_prod, __ATOMIC_RELEASE);
}

/* The process before us died while it published: do it again. */
static void finish_journal(struct ring *ring)
{
	struct ring_journal *journal = ring->journal;

	if (journal->armed && journal->from == ring->rsp_prod && journal->count <= ring->slots)
		write_responses(ring, journal->responses, journal->count);
}

int ring_open(struct ring *ring, void *page, size_t bytes, uint32_t slot_bytes,
              uint32_t response_bytes, struct ring_journal *journal, bool is_attach)
{
	*ring = (struct ring){
		.page = page,
		.journal = journal,
		.slots = ring_slots(bytes, slot_bytes),
		.slot_bytes = slot_bytes,
		.response_bytes = response_bytes,
	};
	assert(ring->slots <= RING_SLOTS_MAX && response_bytes <= RING_RESPONSE_BYTES_MAX);
	ring->rsp_prod = load(&ring->page->rsp_prod);
	if (is_attach)
		finish_journal(ring);
	journal->armed = 0;
	ring->req_cons = ring->rsp_prod;
	return ring_unread(ring) < 0 ? -EPROTO : 0;
}

int ring_unread(const struct ring *ring)
{
	uint32_t unread = load(&ring->page->req_prod) - ring->req_cons;
	uint32_t outstanding = ring->req_cons - ring->rsp_prod;

	return unread > ring->slots - outstanding ? -EPROTO : (int)unread;
}

void ring_peek(const struct ring *ring, uint32_t ahead, void *copy)
{
	memcpy(copy, slot(ring, ring->req_cons + ahead), ring->slot_bytes);
	/* The copy is what counts from here: it is not fetched again. */
	__asm__ volatile("" ::: "memory");
}

void ring_consume(struct ring *ring, uint32_t count)
{
	ring->req_cons += count;
	assert(ring->req_cons - ring->rsp_prod <= ring->slots);
}

bool ring_respond(struct ring *ring, const void *responses, uint32_t count)
{
	struct ring_journal *journal = ring->journal;
	uint32_t old = ring->rsp_prod;

	assert(count <= ring->req_cons - ring->rsp_prod);
	journal->from = old;
	journal->count = count;
	memcpy(journal->responses, responses, (size_t)count * ring->response_bytes);
	barrier();
	__atomic_store_n(&journal->armed, 1, __ATOMIC_RELEASE);
	barrier();
	write_responses(ring, responses, count);
	barrier();
	__atomic_store_n(&journal->armed, 0, __ATOMIC_RELEASE);

	/* rsp_event is looked at only after rsp_prod can be seen: the frontend does it the other way. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring->rsp_prod - load(&ring->page->rsp_event) < ring->rsp_prod - old;
}

static int ask_from(struct ring *ring, uint32_t event)
{
	__atomic_store_n(&ring->page->req_event, event, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_unread(ring);
}

int ring_ask(struct ring *ring)
{
	return ask_from(ring, ring->req_cons + 1);
}

int ring_ask_for_more(struct ring *ring)
{
	return ask_from(ring, load(&ring->page->req_prod) + 1);
}
