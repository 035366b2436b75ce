/* A network card whose output is held: the guest's ring stalls when there is no room, and no frame is lost. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/net_send.c replication/backend/net_parse.c replication/backend/net_offload.c replication/backend/ring.c replication/backend/held.c replication/backend/guest_lock.c replication/backend/output.c replication/hold/record_log.c common/log.c common/exempt.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "replication/backend/net_card.h"
#include "replication/hold/shared.h"

#define FRAME_BYTES 1500u

static uint8_t guest[256][RING_PAGE_SIZE]; /* a grant reference is a page of it */
static struct netif_tx_sring *sring;
static struct ring_journal journals[2];
static struct net_card card;
static struct host host;
static bool is_watched; /* for room in the tap */
static unsigned int tap_room;
static uint32_t sent, arrived; /* frames that are not ARP: these are in order */
static unsigned int arps;      /* that have arrived */

/* --- what the card calls --- */

int grants_read(struct grants *grants, uint32_t ref, uint16_t offset, void *to, uint16_t length)
{
	memcpy(to, guest[ref] + offset, length);
	return 0;
}

int grants_run(struct grants *grants)
{
	return 0;
}

void device_fail(struct device *device, const char *why)
{
	fail_msg("%s", why);
}

void device_notify(struct device *device, unsigned int number)
{
}

void device_serve_again(struct device *device)
{
}

void net_announce_learn(struct net_card *learning, const uint8_t *frame, size_t length)
{
}

void ev_io_start(struct ev_loop *loop, ev_io *io)
{
	is_watched = true;
}

void ev_io_stop(struct ev_loop *loop, ev_io *io)
{
	is_watched = false;
}

static bool is_arp(const uint8_t *frame)
{
	return frame[12] == 0x08 && frame[13] == 0x06;
}

ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *frame, size_t length)
{
	uint32_t number;

	if (tap_room == 0)
		return -EAGAIN;
	tap_room--;
	assert_int_equal(length, FRAME_BYTES);
	if (is_arp(frame)) {
		arps++;
		return (ssize_t)length;
	}
	memcpy(&number, (const uint8_t *)frame + 16, sizeof(number));
	assert_int_equal(number, arrived++); /* in order, once, none missing */
	return (ssize_t)length;
}

int shared_find(const char *path, size_t bytes, void **memory)
{
	return -ENOENT;
}

int shared_make(const char *path, size_t bytes, void **memory)
{
	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return dup(0);
}

/* --- what its output asks --- */

static void hear(struct output *output, const struct door_message *message, int fd)
{
	assert_int_not_equal(message->kind, DOOR_REFUSED);
}

static bool is_noted(struct output *output)
{
	return true;
}

static uint64_t under_way(struct output *output)
{
	return UINT64_MAX;
}

static int hold(struct output *output)
{
	return held_open(&card.held, 1, 0);
}

static void go(struct output *output)
{
	net_send_held(&card);
	net_send_serve(&card);
}

static const struct output_ops ops = {
	.answer = hear, .is_noted = is_noted, .under_way = under_way, .hold = hold, .go = go
};

static void tell(enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	output_message(&host.output, &message);
}

static int set_up(void **state)
{
	sring = calloc(1, RING_PAGE_SIZE);
	sring->rsp_event = 1;
	memset(&card, 0, sizeof(card));
	card.device.host = &host;
	card.device.is_connected = true;
	card.send.arena = malloc(NET_ARENA_BYTES);
	sent = arrived = arps = 0;
	tap_room = UINT32_MAX;
	is_watched = false;
	output_adopt(&host.output, 1, &ops);
	return ring_open(&card.send.ring, sring, RING_PAGE_SIZE, NET_TX_SLOT_BYTES, 4, &journals[0],
	                 false);
}

static int tear_down(void **state)
{
	held_close(&card.held, 1, 0, true);
	output_remove(&host.output);
	free(card.send.arena);
	free(sring);
	return 0;
}

/* The guest sends as long as its ring has room; whether it had. */
static bool send_typed(uint16_t type)
{
	uint32_t at = sring->req_prod % 256;

	if (sring->req_prod - sring->rsp_prod == 256)
		return false;
	memset(guest[at], 0, FRAME_BYTES);
	guest[at][12] = (uint8_t)(type >> 8);
	guest[at][13] = (uint8_t)type;
	memcpy(guest[at] + 16, &sent, sizeof(sent));
	sring->ring[at].req =
		(struct netif_tx_request){ .gref = at, .size = FRAME_BYTES, .id = at };
	sring->req_prod++;
	sent += !is_arp(guest[at]);
	return true;
}

static bool send_frame(void)
{
	return send_typed(0x0800);
}

static void serve_to_the_end(void)
{
	for (unsigned int i = 0; i < 10; i++)
		assert_true(net_send_serve(&card));
}

static void on_writable(void)
{
	if (!is_watched)
		return;
	net_send_held(&card);
	if (!card.is_tap_full)
		net_send_serve(&card);
}

static void unprotected_frames_go_to_the_tap(void **state)
{
	for (unsigned int i = 0; i < 100; i++)
		assert_true(send_frame());
	serve_to_the_end();
	assert_int_equal(arrived, 100);
	assert_null(card.held.memory);
	tap_room = 0;
	assert_true(send_frame());
	serve_to_the_end();
	assert_true(is_watched);
	assert_int_equal(sring->rsp_prod, 100);
	tap_room = 1;
	on_writable();
	assert_int_equal(arrived, 101);
	assert_false(is_watched);
}

static void held_frames_are_answered_at_once(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_HOLD, 0);
	for (unsigned int i = 0; i < 200; i++)
		assert_true(send_frame());
	serve_to_the_end();
	assert_int_equal(sring->rsp_prod, 200);
	assert_int_equal(arrived, 0);
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tell(DOOR_RELEASE, 1);
	assert_int_equal(arrived, 200);
}

static void a_full_store_stalls_the_ring(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_HOLD, 0);
	while (send_frame())
		serve_to_the_end();
	assert_true(sent > HELD_BYTES / 1600);
	assert_int_equal(sring->req_prod - sring->rsp_prod, 256);
	assert_int_equal(arrived, 0);
	assert_false(is_watched); /* the tap is not what it waits for */
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tap_room = 10;
	tell(DOOR_RELEASE, 1);
	assert_int_equal(arrived, 10);
	assert_true(is_watched);
	tap_room = UINT32_MAX;
	on_writable();
	serve_to_the_end();
	assert_int_equal(sring->rsp_prod, sent);
	assert_int_equal(arrived, sent - 256); /* these came after the marker */
	tell(DOOR_STOP, 2);
	tell(DOOR_CUT, 2);
	tell(DOOR_RELEASE, 2);
	assert_int_equal(arrived, sent);
}

static void freed_frames_leave_before_those_that_come(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_HOLD, 0);
	for (unsigned int i = 0; i < 50; i++)
		assert_true(send_frame());
	serve_to_the_end();
	tap_room = 20;
	tell(DOOR_FREE, 0);
	for (unsigned int i = 0; i < 50; i++)
		assert_true(send_frame());
	serve_to_the_end();
	assert_int_equal(arrived, 20);
	tap_room = UINT32_MAX;
	on_writable();
	assert_int_equal(arrived, 100);
	assert_null(card.held.memory);
}

static void exempt_arp(void)
{
	struct door_message message = { .version = DOOR_VERSION,
		                        .kind = DOOR_EXEMPT,
		                        .exempt.types = { 0x0806 } };

	output_message(&host.output, &message);
}

static uint64_t boot_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void send_both(void)
{
	assert_true(send_frame());
	assert_true(send_typed(0x0806));
	assert_true(send_frame());
	serve_to_the_end();
}

static void assert_arrived(unsigned int arp_count, uint32_t others)
{
	assert_int_equal(arps, arp_count);
	assert_int_equal(arrived, others);
}

static void exempt_frames_overtake_what_is_held(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_HOLD, 0);
	send_both();
	assert_arrived(0, 0);
	exempt_arp();
	send_both();
	assert_arrived(1, 0); /* the one before waits */
	assert_int_equal(sring->rsp_prod, 6);
	/* What is tagged, or has no EtherType, is none. */
	assert_true(send_typed(0x8100));
	assert_true(send_typed(0x0026));
	serve_to_the_end();
	assert_arrived(1, 0);
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tell(DOOR_RELEASE, 1);
	assert_arrived(2, 6);
}

/* (I5) */
static void exempt_frames_leave_under_a_lease_only(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_LEASE, 0);
	tell(DOOR_HOLD, 0);
	exempt_arp();
	send_both();
	assert_arrived(0, 0);
	tell(DOOR_LEASE, boot_time() - 1);
	send_both();
	assert_arrived(0, 0);
	tell(DOOR_LEASE, boot_time() + UINT64_C(3600000000000));
	assert_arrived(0, 0); /* those that had to wait do so to the end of their epoch */
	send_both();
	assert_arrived(1, 0);
	tell(DOOR_LEASE, 0); /* taken back */
	send_both();
	assert_arrived(1, 0);
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tell(DOOR_RELEASE, 1);
	assert_arrived(1, 0);
	tell(DOOR_LEASE, boot_time() + UINT64_C(3600000000000));
	assert_arrived(4, 8);
}

static void exempt_frames_that_find_no_room_are_held(void **state)
{
	tell(DOOR_TAKE, 1);
	tell(DOOR_HOLD, 0);
	exempt_arp();
	tap_room = 1;
	send_both();
	send_both();
	assert_arrived(1, 0);
	assert_false(is_watched);
	assert_int_equal(sring->rsp_prod, 6); /* the guest need not wait for the tap */
	tap_room = UINT32_MAX;
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tell(DOOR_RELEASE, 1);
	assert_arrived(2, 4);
}

#define SEND_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEND_TEST(unprotected_frames_go_to_the_tap),
		SEND_TEST(held_frames_are_answered_at_once),
		SEND_TEST(a_full_store_stalls_the_ring),
		SEND_TEST(freed_frames_leave_before_those_that_come),
		SEND_TEST(exempt_frames_overtake_what_is_held),
		SEND_TEST(exempt_frames_leave_under_a_lease_only),
		SEND_TEST(exempt_frames_that_find_no_room_are_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
