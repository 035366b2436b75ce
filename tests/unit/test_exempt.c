/* EtherTypes that are exempt from being held: what an operator may say, and which frames are meant. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: common/exempt.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/exempt.h"

static void assert_taken(const char *said, const char *written)
{
	struct exempt exempt;
	char text[EXEMPT_TEXT_SIZE];

	memset(&exempt, 0x5a, sizeof(exempt));
	assert_null(exempt_parse(&exempt, said));
	assert_true(exempt_is_sound(&exempt));
	assert_string_equal(exempt_write(&exempt, text), written);
}

static void test_what_may_be_said(void **state)
{
	struct exempt exempt;

	assert_taken("none", "none");
	assert_taken("arp", "arp");
	assert_taken("arp,lldp", "arp,lldp");
	assert_taken("lacp,eapol,rarp", "lacp,eapol,rarp");
	assert_taken("0x0806,0x88CC", "arp,lldp");
	assert_taken("0x806", "arp");
	assert_taken("0x600,0xffff,0x88b5", "0x0600,0xffff,0x88b5");
	assert_taken("0x8801,0x8802,0x8803,0x8804,0x8805,0x8806,0x8807,0x8808",
	             "0x8801,0x8802,0x8803,0x8804,0x8805,0x8806,0x8807,0x8808");
	exempt_parse(&exempt, "none");
	assert_true(exempt_is_none(&exempt));
	exempt_parse(&exempt, "arp");
	assert_false(exempt_is_none(&exempt));
}

static void assert_refused(const char *said, const char *why)
{
	struct exempt exempt, before;
	const char *wrong;

	memset(&exempt, 0x5a, sizeof(exempt));
	before = exempt;
	wrong = exempt_parse(&exempt, said);
	assert_non_null(wrong);
	if (!strstr(wrong, why))
		fail_msg("%s: `%s` is not about `%s`", said, wrong, why);
	assert_memory_equal(&exempt, &before, sizeof(exempt));
}

static void test_what_may_not(void **state)
{
	static const char *const never[] = { "ipv4",   "ipv6",   "vlan",   "qinq",   "mpls",
		                             "pppoe",  "0x0800", "0x86dd", "0x8100", "0x88a8",
		                             "0x9100", "0x8847", "0x8848", "0x8864", "0x88E5" };

	for (unsigned int i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		assert_refused(never[i], "always held");
	assert_refused("arp,ipv4", "always held");
	assert_refused("", "an EtherType is");
	assert_refused(",", "an EtherType is");
	assert_refused("arp,", "an EtherType is");
	assert_refused(",arp", "an EtherType is");
	assert_refused("arp lldp", "an EtherType is");
	assert_refused("ARP", "an EtherType is");
	assert_refused("ar", "an EtherType is");
	assert_refused("arps", "an EtherType is");
	assert_refused("none,arp", "an EtherType is");
	assert_refused("stp", "an EtherType is");
	assert_refused("35020", "an EtherType is");
	assert_refused("0x", "an EtherType is");
	assert_refused("0x88ccc", "an EtherType is");
	assert_refused("0x-8cc", "an EtherType is");
	assert_refused("0x 8cc", "an EtherType is");
	assert_refused("0x88cg", "an EtherType is");
	assert_refused("0x0000", "an EtherType is");
	assert_refused("0x05ff", "0x0600 or more");
	assert_refused("arp,0x0806", "twice");
	assert_refused("1234567890123456789012345678901234567890123456789012345678901234567890",
	               "an EtherType is");
	assert_refused("0x8801,0x8802,0x8803,0x8804,0x8805,0x8806,0x8807,0x8808,0x8809",
	               "more EtherTypes than 8");
}

static void test_what_comes_from_elsewhere(void **state)
{
	struct exempt exempt = { .types = { 0x0806, 0x88cc } };

	assert_true(exempt_is_sound(&exempt));
	exempt.types[3] = 0x8809; /* behind the end */
	assert_false(exempt_is_sound(&exempt));
	exempt.types[2] = 0x0806;
	assert_false(exempt_is_sound(&exempt)); /* twice */
	exempt.types[2] = 0x0800;
	assert_false(exempt_is_sound(&exempt));
	exempt.types[2] = 0x0040;
	assert_false(exempt_is_sound(&exempt));
	exempt.types[2] = 0x888e;
	assert_true(exempt_is_sound(&exempt));
	memset(&exempt, 0xff, sizeof(exempt));
	assert_false(exempt_is_sound(&exempt));
	memset(&exempt, 0, sizeof(exempt));
	assert_true(exempt_is_sound(&exempt));
}

static void test_which_frames_are_meant(void **state)
{
	struct exempt exempt = { .types = { 0x0806, 0x88cc } }, none = { .types = { 0 } };
	uint8_t frame[60] = { 0 };

	frame[12] = 0x88;
	frame[13] = 0xcc;
	assert_true(exempt_has(&exempt, frame, sizeof(frame)));
	assert_true(exempt_has(&exempt, frame, 14));
	assert_false(exempt_has(&exempt, frame, 13));
	assert_false(exempt_has(&exempt, frame, 0));
	assert_false(exempt_has(&none, frame, sizeof(frame)));
	frame[13] = 0xcd;
	assert_false(exempt_has(&exempt, frame, sizeof(frame)));
	/* Tagged. */
	frame[12] = 0x81;
	frame[13] = 0x00;
	frame[16] = 0x08;
	frame[17] = 0x06;
	assert_false(exempt_has(&exempt, frame, sizeof(frame)));
	frame[12] = frame[13] = 0; /* not the 0 that ends the list */
	assert_false(exempt_has(&exempt, frame, sizeof(frame)));
	assert_false(exempt_has(&none, frame, sizeof(frame)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_may_be_said),
		cmocka_unit_test(test_what_may_not),
		cmocka_unit_test(test_what_comes_from_elsewhere),
		cmocka_unit_test(test_which_frames_are_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
