/* Packets a frontend sends: what is taken from ring slots, what is refused, what is said of checksums. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/net_parse.c replication/backend/net_offload.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "replication/backend/net_offload.h"
#include "replication/backend/net_parse.h"

static struct net_slot slots[64];
static struct net_packet packet;
static const char *why;

static void put(unsigned int at, uint16_t offset, uint16_t size, uint16_t flags)
{
	struct netif_tx_request request = {
		.gref = 100 + at,
		.offset = offset,
		.flags = flags,
		.id = (uint16_t)(at + 7),
		.size = size,
	};

	memcpy(&slots[at], &request, sizeof(request));
}

static void put_gso(unsigned int at, uint8_t type, uint16_t size, uint8_t flags)
{
	struct netif_extra_info extra = {
		.type = XEN_NETIF_EXTRA_TYPE_GSO,
		.flags = flags,
		.u.gso = { .size = size, .type = type },
	};

	memset(&slots[at], 0, sizeof(slots[at]));
	memcpy(&slots[at], &extra, sizeof(extra));
}

static int parse(unsigned int available)
{
	why = NULL;
	return net_parse(slots, available, &packet, &why);
}

static void one_slot(void **state)
{
	(void)state;
	put(0, 100, 60, NETTXF_data_validated);
	assert_int_equal(parse(1), 0);
	assert_int_equal(packet.slots, 1);
	assert_int_equal(packet.size, 60);
	assert_int_equal(packet.fragments[0].size, 60);
	assert_int_equal(packet.fragments[0].ref, 100);
	assert_int_equal(packet.ids[0], 7);
}

static void the_first_fragment_is_what_the_others_leave(void **state)
{
	(void)state;
	put(0, 0, 9000, NETTXF_more_data);
	put(1, 0, 4096, NETTXF_more_data);
	put(2, 96, 4000, 0);
	assert_int_equal(parse(5), 0);
	assert_int_equal(packet.slots, 3);
	assert_int_equal(packet.fragments[0].size, 904);
}

static void segments_come_with_an_extra_info(void **state)
{
	(void)state;
	put(0, 0, 8000, NETTXF_extra_info | NETTXF_csum_blank | NETTXF_more_data);
	put_gso(1, XEN_NETIF_GSO_TYPE_TCPV6, 1440, 0);
	put(2, 0, 4000, 0);
	assert_int_equal(parse(3), 0);
	assert_int_equal(packet.slots, 3);
	assert_int_equal(packet.fragment_count, 2);
	assert_int_equal(packet.gso, NET_GSO_TCPV6);
	assert_int_equal(packet.gso_size, 1440);
	assert_true(packet.is_extra[1]);
	assert_false(packet.is_extra[2]);
	assert_int_equal(packet.ids[2], 9);
}

static void what_is_malformed_is_refused(void **state)
{
	(void)state;
	put(0, 4000, 97, 0);
	assert_int_equal(parse(1), -EPROTO);
	assert_non_null(why);
	put(0, 0, 100, NETTXF_more_data);
	assert_int_equal(parse(1), -EPROTO);
	put(1, 0, 101, 0);
	assert_int_equal(parse(2), -EPROTO);
	put(0, 0, 100, NETTXF_extra_info);
	assert_int_equal(parse(1), -EPROTO);
	put_gso(1, XEN_NETIF_GSO_TYPE_TCPV4, 0, 0);
	assert_int_equal(parse(2), -EPROTO);
	put_gso(1, 9, 1000, 0);
	assert_int_equal(parse(2), -EPROTO);
	memset(&slots[1], 0xff, sizeof(slots[1]));
	assert_int_equal(parse(2), -EPROTO);
	for (unsigned int i = 1; i < 64; i++)
		put_gso(i, XEN_NETIF_GSO_TYPE_TCPV4, 1000, XEN_NETIF_EXTRA_FLAG_MORE);
	assert_int_equal(parse(64), -EPROTO);
}

static void fragments_are_bounded(void **state)
{
	(void)state;
	put(0, 0, 18 * 100, NETTXF_more_data);
	for (unsigned int i = 1; i < 18; i++)
		put(i, 0, 100, i < 17 ? NETTXF_more_data : 0);
	assert_int_equal(parse(18), 0);
	put(17, 0, 100, NETTXF_more_data);
	put(18, 0, 100, 0);
	assert_int_equal(parse(19), -EPROTO);
}

static uint8_t frame[2000];

static void make_frame(bool is_ipv6, unsigned int tags, uint8_t protocol)
{
	size_t at = 14 + 4 * tags;

	memset(frame, 0, sizeof(frame));
	for (unsigned int i = 0; i < tags; i++)
		memcpy(frame + 12 + 4 * i, "\x81\x00", 2);
	memcpy(frame + at - 2, is_ipv6 ? "\x86\xdd" : "\x08\x00", 2);
	frame[at] = is_ipv6 ? 0x60 : 0x45;
	frame[at + (is_ipv6 ? 6 : 9)] = protocol;
	frame[at + (is_ipv6 ? 40 : 20) + 12] = 0x80; /* 32 bytes of TCP header */
}

static void a_blank_checksum_is_located(void **state)
{
	struct virtio_net_hdr header;

	(void)state;
	packet = (struct net_packet){ .flags = NETTXF_csum_blank };
	make_frame(false, 0, 6);
	assert_int_equal(net_offload_from_guest(&packet, frame, 100, &header), 0);
	assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(header.csum_start, 34);
	assert_int_equal(header.csum_offset, 16);
	make_frame(true, 1, 17);
	assert_int_equal(net_offload_from_guest(&packet, frame, 100, &header), 0);
	assert_int_equal(header.csum_start, 58);
	assert_int_equal(header.csum_offset, 6);
}

static void segments_are_described(void **state)
{
	struct virtio_net_hdr header;

	(void)state;
	packet = (struct net_packet){ .flags = NETTXF_csum_blank,
		                      .gso = NET_GSO_TCPV4,
		                      .gso_size = 1448 };
	make_frame(false, 0, 6);
	assert_int_equal(net_offload_from_guest(&packet, frame, 2000, &header), 0);
	assert_int_equal(header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(header.gso_size, 1448);
	assert_int_equal(header.hdr_len, 34 + 32);
	make_frame(true, 0, 6);
	assert_int_equal(net_offload_from_guest(&packet, frame, 2000, &header), -EINVAL);
}

static void extension_headers_are_walked(void **state)
{
	struct virtio_net_hdr header;

	(void)state;
	packet = (struct net_packet){ .flags = NETTXF_csum_blank };
	make_frame(true, 0, 0);
	frame[54] = 60;
	frame[55] = 1; /* 16 bytes */
	frame[70] = 17;
	assert_int_equal(net_offload_from_guest(&packet, frame, 200, &header), 0);
	assert_int_equal(header.csum_start, 54 + 16 + 8);
}

static void headers_that_do_not_bear_it_out_are_dropped(void **state)
{
	struct virtio_net_hdr header;

	(void)state;
	packet = (struct net_packet){ .flags = NETTXF_csum_blank };
	make_frame(false, 0, 6);
	for (size_t length = 14; length < 54; length++)
		assert_int_equal(net_offload_from_guest(&packet, frame, length, &header), -EINVAL);
	make_frame(false, 0, 1);
	assert_int_equal(net_offload_from_guest(&packet, frame, 100, &header), -EINVAL);
	memset(frame, 0xff, sizeof(frame));
	assert_int_equal(net_offload_from_guest(&packet, frame, 100, &header), -EINVAL);
}

static void the_guest_is_told(void **state)
{
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		                         .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		                         .gso_size = 1400 };
	struct net_offload offload = net_offload_to_guest(&header);

	(void)state;
	assert_int_equal(offload.flags, NETRXF_csum_blank | NETRXF_data_validated);
	assert_int_equal(offload.gso, NET_GSO_TCPV4);
	assert_int_equal(offload.gso_size, 1400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slot),
		cmocka_unit_test(the_first_fragment_is_what_the_others_leave),
		cmocka_unit_test(segments_come_with_an_extra_info),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(fragments_are_bounded),
		cmocka_unit_test(a_blank_checksum_is_located),
		cmocka_unit_test(segments_are_described),
		cmocka_unit_test(extension_headers_are_walked),
		cmocka_unit_test(headers_that_do_not_bear_it_out_are_dropped),
		cmocka_unit_test(the_guest_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
