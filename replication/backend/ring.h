/* The ring a frontend shares with us: requests come in, responses go out in ring order. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *        rsp_prod          req_cons          req_prod
 *  ---------|-----------------|-----------------|-----------
 *  answered |   outstanding   |  not yet read   |  free
 *
 * Invariant: the slots from rsp_prod to req_prod hold requests, untouched. A response overwrites the
 * slot of its request, so responses are published strictly in order, and whoever takes our place
 * attaches at rsp_prod and runs what it finds (design D5).
 *
 * Writing responses takes several stores before the one that publishes them. So that a process killed
 * between the two leaves no slot half overwritten, the responses are first noted in a journal outside
 * the process; attaching finishes what the journal says.
 *
 * The guest can write all of the page at any time: indices are read once and checked, slots are
 * copied once and only the copy is looked at.
 */

#ifndef REPLICATION_BACKEND_RING_H
#define REPLICATION_BACKEND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_PAGE_SIZE 4096u

/* The largest ring and the largest response any of our devices has: bounds of the journal. */
#define RING_SLOTS_MAX          256u
#define RING_RESPONSE_BYTES_MAX 16u

/* As in Xen's public io/ring.h. */
struct ring_page {
	uint32_t req_prod, req_event;
	uint32_t rsp_prod, rsp_event;
	uint8_t pad[48];
	uint8_t slots[];
};

/* What is being published; lives in a shared mapping that outlives the process. */
struct ring_journal {
	uint32_t armed; /* the fields below are whole and count */
	uint32_t from;  /* rsp_prod before */
	uint32_t count;
	uint8_t responses[RING_SLOTS_MAX * RING_RESPONSE_BYTES_MAX];
};

struct ring {
	struct ring_page *page;
	struct ring_journal *journal;
	uint32_t slots; /* a power of two */
	uint32_t slot_bytes, response_bytes;
	uint32_t req_cons;
	uint32_t rsp_prod;
};

/* Slots in a ring of that many bytes. */
uint32_t ring_slots(size_t bytes, uint32_t slot_bytes);

/* Begin at rsp_prod. is_attach: an earlier process served this ring and its journal counts; otherwise the
 * journal is emptied. -EPROTO if the indices cannot be. */
int ring_open(struct ring *ring, void *page, size_t bytes, uint32_t slot_bytes,
              uint32_t response_bytes, struct ring_journal *journal, bool is_attach);

/* Requests that were not read yet, or -EPROTO if req_prod claims more than fit. */
int ring_unread(const struct ring *ring);

/* Copy the request ahead slots after req_cons, without consuming it. */
void ring_peek(const struct ring *ring, uint32_t ahead, void *copy);

void ring_consume(struct ring *ring, uint32_t count);

/* Publish responses to the oldest count outstanding requests; responses are response_bytes each.
 * Returns whether the frontend wants to be notified. */
bool ring_respond(struct ring *ring, const void *responses, uint32_t count);

/* Ask to be notified of requests that come from now on, when all was read. Returns ring_unread() of the moment
 * after: if that is not 0, go on instead of sleeping. */
int ring_ask(struct ring *ring);

/* The same when some are left unread on purpose: ask for the next that is added to them. */
int ring_ask_for_more(struct ring *ring);

#endif
