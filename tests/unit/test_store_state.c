/* What a VM has in the xenstore, on its way to the other host: what a peer may not say. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/estate/store_state.c replication/estate/guest_store.c replication/estate/daemon_rings.c */
/* libs: -lxenstore -lxencall -lxenforeignmemory */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/estate/store_state.h"

static struct daemon_rings rings;
static struct guest_store store;

/* The head with that number of nodes, and their text behind it. */
static int parse(uint32_t nodes, const char *text, size_t length)
{
	const struct store_state_head head = {
		.store_gfn = 5, .console_gfn = 6, .store_port = 1, .console_port = 2, .nodes = nodes
	};
	uint8_t *bytes = malloc(sizeof(head) + length);
	int err;

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), text, length);
	err = store_state_parse(bytes, (uint32_t)(sizeof(head) + length), &rings, &store);
	free(bytes);
	return err;
}

#define PARSE(nodes, text)  parse(nodes, text, sizeof(text) - 1)
#define REFUSE(nodes, text) assert_int_equal(PARSE(nodes, text), -EPROTO)

static void test_nodes_and_rings(void **state)
{
	assert_int_equal(PARSE(2, "attr\0\0device/vif/0/state\0"
	                          "4\0"),
	                 0);
	assert_int_equal(rings.store_gfn, 5);
	assert_int_equal(rings.console_port, 2);
	assert_int_equal(store.count, 2);
	assert_string_equal(store.nodes[0].value, "");
	assert_string_equal(store.nodes[1].path, "device/vif/0/state");
	guest_store_free(&store);
	assert_int_equal(PARSE(0, ""), 0);
	assert_int_equal(store.count, 0);
	guest_store_free(&store);
}

static void test_what_is_no_store(void **state)
{
	assert_int_equal(store_state_parse("x", 1, &rings, &store), -EPROTO);
	REFUSE(1, "data");             /* does not end */
	REFUSE(1, "data\0x");          /* a value that does not end */
	REFUSE(2, "data\0x\0control"); /* the same, behind a whole node */
	REFUSE(2, "data\0x\0");        /* fewer than it says */
	REFUSE(0, "data\0x\0");        /* more */
	REFUSE(GUEST_STORE_NODES_MAX + 1, "data\0x\0");
	REFUSE(UINT32_MAX, "data\0x\0");
}

static void test_paths_that_lead_elsewhere(void **state)
{
	REFUSE(1, "\0x\0");
	REFUSE(1, "/local/domain/0\0x\0");
	REFUSE(1, "../0/name\0x\0");
	REFUSE(1, "device//vif\0x\0");
	REFUSE(1, "device/\0x\0");
	REFUSE(1, "devices\0x\0");
	REFUSE(1, "memory/target\0x\0");
	REFUSE(1, "name\0x\0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes_and_rings),
		cmocka_unit_test(test_what_is_no_store),
		cmocka_unit_test(test_paths_that_lead_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
