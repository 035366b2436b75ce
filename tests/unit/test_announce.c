/* A guest's addresses: learned from what it says of itself alone, carried as text, told after a take-over and only then. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/announce.c replication/backend/net_announce.c common/log.c */
/* libs: -lev */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/backend/net_card.h"

static const uint8_t mac[6] = { 0, 0x16, 0x3e, 1, 2, 3 };
static struct addresses known;

static const char *printed(double now)
{
	static char text[ADDRESSES_TEXT_MAX];

	addresses_print(&known, now, text);
	return text;
}

/* --- frames --- */

static uint8_t frame[128];

static void begin_frame(uint16_t type)
{
	memset(frame, 0, sizeof(frame));
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = (uint8_t)(type >> 8);
	frame[13] = (uint8_t)type;
}

static size_t arp(const char *ip)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	begin_frame(0x0806);
	memcpy(frame + 14, head, sizeof(head));
	memcpy(frame + 22, mac, 6);
	inet_pton(AF_INET, ip, frame + 28);
	return 42;
}

static size_t ip4(const char *ip)
{
	begin_frame(0x0800);
	frame[14] = 0x45;
	inet_pton(AF_INET, ip, frame + 26);
	return 60;
}

static size_t ip6(const char *source, uint8_t type, const char *target)
{
	begin_frame(0x86dd);
	frame[14] = 0x60;
	frame[20] = 58;
	frame[21] = 255;
	inet_pton(AF_INET6, source, frame + 22);
	frame[54] = type;
	inet_pton(AF_INET6, target, frame + 62);
	return 78;
}

static void learn(size_t length, double now)
{
	addresses_learn(&known, frame, length, now);
}

static int set_up(void **state)
{
	memset(&known, 0, sizeof(known));
	memcpy(known.mac, mac, 6);
	return 0;
}

/* --- what is learned --- */

static void test_a_guest_says_its_addresses(void **state)
{
	learn(arp("192.0.2.7"), 1.);
	learn(ip6("2001:db8::7", 135, "2001:db8::1"), 2.);
	learn(ip6("fe80::7", 136, "2001:db8::8"), 3.);
	assert_string_equal(printed(4.), "192.0.2.7 2001:db8::7 2001:db8::8");
	/* What is not used for long is another's. */
	learn(ip4("192.0.2.7"), 500.);
	assert_string_equal(printed(900.), "192.0.2.7");
}

static void test_what_it_forwards_is_not_its(void **state)
{
	learn(ip4("198.51.100.1"), 1.);
	learn(ip6("2001:db8:1::1", 128, "::"), 1.);
	assert_string_equal(printed(2.), "");
	arp("192.0.2.9");
	frame[6] ^= 2; /* another card's frame */
	learn(42, 1.);
	arp("192.0.2.9");
	frame[22] ^= 2; /* it speaks for another */
	learn(42, 1.);
	assert_string_equal(printed(2.), "");
}

static void test_what_nobody_can_be_called(void **state)
{
	static const char *const v4[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255" };
	static const char *const v6[] = { "::", "::1", "ff02::1", "::ffff:192.0.2.1" };

	for (unsigned int i = 0; i < 4; i++) {
		learn(arp(v4[i]), 1.);
		learn(ip6(v6[i], 135, "2001:db8::1"), 1.);
		learn(ip6("fe80::7", 136, v6[i]), 1.);
	}
	assert_string_equal(printed(2.), "");
	ip6("2001:db8::7", 135, "2001:db8::1");
	frame[21] = 64; /* from beyond a router */
	learn(78, 1.);
	assert_string_equal(printed(2.), "");
}

/* Each in a buffer of its own length: the sanitizer sees who reads beyond. */
static void test_frames_that_end_early(void **state)
{
	for (unsigned int kind = 0; kind < 3; kind++) {
		size_t whole = kind == 0   ? arp("192.0.2.7")
		               : kind == 1 ? ip4("192.0.2.7")
		                           : ip6("2001:db8::7", 136, "2001:db8::7");

		for (size_t length = 0; length < whole; length++) {
			uint8_t *copy = malloc(length ? length : 1);

			memcpy(copy, frame, length);
			addresses_learn(&known, copy, length, 1.);
			free(copy);
		}
	}
	assert_string_equal(printed(2.), "");
}

static void test_the_last_used_stay(void **state)
{
	char ip[16];

	for (unsigned int i = 1; i <= 9; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%u", i);
		learn(arp(ip), i);
		learn(ip4("192.0.2.1"), i);
	}
	assert_string_equal(printed(10.), "192.0.2.1 192.0.2.8 192.0.2.9 192.0.2.7");
}

static void test_text_is_taken_with_distrust(void **state)
{
	char text[4096];

	addresses_parse(&known, "192.0.2.7 2001:db8::7", 5.);
	assert_string_equal(printed(6.), "192.0.2.7 2001:db8::7");
	addresses_parse(&known, "  x 127.0.0.1 ff02::1 1.2.3.4.5 ::  192.0.2.8 ", 5.);
	assert_string_equal(printed(6.), "192.0.2.8");
	addresses_parse(&known, "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5", 5.);
	assert_string_equal(printed(6.), "192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	addresses_parse(&known, text, 5.);
	assert_string_equal(printed(6.), "");
}

static void test_macs(void **state)
{
	uint8_t read[6];

	assert_true(addresses_parse_mac("00:16:3E:01:02:03", read));
	assert_memory_equal(read, mac, 6);
	assert_false(addresses_parse_mac("01:16:3e:01:02:03", read));
	assert_false(addresses_parse_mac("00:16:3e:01:02", read));
	assert_false(addresses_parse_mac("00:16:3e:01:02:03:04", read));
	assert_false(addresses_parse_mac("", read));
}

/* --- what is told --- */

static uint32_t sum_words(const uint8_t *at, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	return sum;
}

static void test_frames_that_are_told(void **state)
{
	uint8_t told[ANNOUNCE_BYTES_MAX];
	uint32_t sum;

	addresses_parse(&known, "192.0.2.7 2001:db8::7", 1.);
	assert_int_equal(announce_frame(&known, 0, told), 60);
	assert_int_equal(told[12] << 8 | told[13], 0x8035);
	assert_memory_equal(told + 22, mac, 6);
	assert_memory_equal(told + 32, mac, 6);
	assert_int_equal(announce_frame(&known, 1, told), 60);
	assert_int_equal(told[12] << 8 | told[13], 0x0806);
	assert_memory_equal(told + 28, ((uint8_t[]){ 192, 0, 2, 7 }), 4);
	assert_memory_equal(told + 38, told + 28, 4);
	assert_int_equal(announce_frame(&known, 2, told), 86);
	assert_int_equal(told[54], 136);
	assert_int_equal(told[58], 0x20);
	assert_memory_equal(told + 80, mac, 6);
	/* Both addresses, length and protocol, and all of the message, make one's complement zero. */
	sum = sum_words(told + 22, 32) + 32 + 58 + sum_words(told + 54, 32);
	assert_int_equal(((sum & 0xffff) + (sum >> 16)) % 0xffff, 0);
	assert_int_equal(announce_frame(&known, 3, told), 0);
	/* They teach whoever hears them the same. */
	memset(known.v6, 0, sizeof(known.v6));
	addresses_learn(&known, told, 86, 1.);
	assert_string_equal(printed(2.), "192.0.2.7 2001:db8::7");
}

/* --- the card --- */

static char node[ADDRESSES_TEXT_MAX];
static bool has_node, is_held;
static bool is_served; /* this host's own folder of the card says so */
static unsigned int rarps, others;
static struct host host;

char *store_read(struct xs_handle *xs, const char *folder, const char *name)
{
	if (!strcmp(name, "mac"))
		return strdup("00:16:3e:01:02:03");
	if (!strcmp(name, "state"))
		return strdup("4");
	if (!strcmp(name, "remus-served"))
		return is_served ? strdup("1") : NULL;
	return has_node ? strdup(node) : NULL;
}

int store_write(struct xs_handle *xs, const char *folder, const char *name, const char *format, ...)
{
	va_list args;

	if (!strcmp(name, "remus-served")) {
		is_served = true;
		return 0;
	}
	assert_string_equal(name, "remus-addresses");
	va_start(args, format);
	vsnprintf(node, sizeof(node), format, args);
	va_end(args);
	has_node = true;
	return 0;
}

ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *told, size_t length)
{
	assert_false(is_held);
	if (((const uint8_t *)told)[12] == 0x80)
		rarps++;
	else
		others++;
	return (ssize_t)length;
}

bool output_is_held(const struct output *output)
{
	return is_held;
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void run_for(double seconds)
{
	ev_timer timer;

	ev_timer_init(&timer, on_time, seconds, 0.);
	ev_now_update(host.loop);
	ev_timer_start(host.loop, &timer);
	ev_run(host.loop, 0);
	ev_timer_stop(host.loop, &timer);
}

static struct net_card *make_card(void)
{
	struct net_card *card = calloc(1, sizeof(*card));

	host.loop = ev_default_loop(EVFLAG_AUTO);
	card->device.host = &host;
	rarps = others = 0;
	return card;
}

static void drop(struct net_card *card)
{
	net_announce_end(card);
	free(card);
}

static void test_a_card_from_its_first_host_to_the_next(void **state)
{
	struct net_card *card = make_card();

	has_node = is_held = is_served = false;
	net_announce_begin(card); /* a guest that is new: nothing to tell */
	assert_string_equal(node, "");
	net_announce_learn(card, frame, arp("192.0.2.7"));
	assert_string_equal(node, "192.0.2.7");
	net_announce_learn(card, frame, arp("192.0.2.8"));
	assert_string_equal(node, "192.0.2.7"); /* not at each frame */
	run_for(0.3);
	assert_int_equal(rarps, 0);
	drop(card);

	card = make_card(); /* the next process on that host */
	net_announce_begin(card);
	run_for(0.3);
	assert_int_equal(rarps, 0);
	drop(card);

	/* The next host, whatever taps it has: not before it is told that the guest is its. */
	card = make_card();
	is_served = false;
	is_held = true;
	net_announce_begin(card);
	run_for(0.3);
	assert_int_equal(rarps, 0);
	is_held = false;
	net_announce_go(card);
	run_for(1.5);
	assert_int_equal(rarps, 5);
	assert_int_equal(others, 5);
	drop(card);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_guest_says_its_addresses, set_up),
		cmocka_unit_test_setup(test_what_it_forwards_is_not_its, set_up),
		cmocka_unit_test_setup(test_what_nobody_can_be_called, set_up),
		cmocka_unit_test_setup(test_frames_that_end_early, set_up),
		cmocka_unit_test_setup(test_the_last_used_stay, set_up),
		cmocka_unit_test_setup(test_text_is_taken_with_distrust, set_up),
		cmocka_unit_test_setup(test_macs, set_up),
		cmocka_unit_test_setup(test_frames_that_are_told, set_up),
		cmocka_unit_test(test_a_card_from_its_first_host_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
