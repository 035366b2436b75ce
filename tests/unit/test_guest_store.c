/* What a guest wrote into the xenstore is carried to its successor: in order, in bounds, without what names the place. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/estate/guest_store.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/estate/guest_store.h"

/* The xenstore: paths in the order in which they were written. */
#define NODES 6000u
static struct node {
	char path[300];
	char value[64];
} nodes[NODES];
static unsigned int count, refuse_at, writes;

static struct node *find(const char *path)
{
	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(nodes[i].path, path))
			return &nodes[i];
	return NULL;
}

static void set(const char *path, const char *value)
{
	struct node *node = find(path);

	if (!node) {
		assert_true(count < NODES);
		node = &nodes[count++];
		snprintf(node->path, sizeof(node->path), "%s", path);
	}
	snprintf(node->value, sizeof(node->value), "%s", value);
}

void *xs_read(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
              unsigned int *length)
{
	struct node *node = find(path);

	*length = node ? (unsigned int)strlen(node->value) : 0;
	return node ? strdup(node->value) : NULL;
}

bool xs_write(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
              const void *data, unsigned int length)
{
	char value[64];

	if (++writes == refuse_at) {
		errno = EACCES;
		return false;
	}
	snprintf(value, sizeof(value), "%.*s", (int)length, (const char *)data);
	set(path, value);
	return true;
}

/* As libxenstore does: names in one piece of memory. */
char **xs_directory(struct xs_handle *xs, xs_transaction_t transaction, const char *path,
                    unsigned int *found)
{
	size_t length = strlen(path);
	char **names = calloc(1, (NODES + 1) * sizeof(*names) + NODES * sizeof(nodes[0].path));
	char *text = (char *)(names + NODES + 1);

	*found = 0;
	for (unsigned int i = 0; i < count; i++) {
		const char *rest = nodes[i].path + length + 1;

		if (strncmp(nodes[i].path, path, length) || nodes[i].path[length] != '/' ||
		    strchr(rest, '/'))
			continue;
		names[(*found)++] = strcpy(text, rest);
		text += strlen(rest) + 1;
	}
	return names;
}

static const char *value_of(const char *path)
{
	struct node *node = find(path);

	return node ? node->value : "none";
}

static int set_up(void **state)
{
	static const char *const written[][2] = {
		{ "device", "" },
		{ "device/vbd", "" },
		{ "device/vbd/51712", "" },
		{ "device/vbd/51712/state", "4" },
		{ "device/vbd/51712/backend", "/local/domain/0/backend/vbd/3/51712" },
		{ "device/vbd/51712/backend-id", "0" },
		{ "device/vbd/51712/ring-ref", "8" },
		{ "control", "" },
		{ "control/feature-poweroff", "1" },
		{ "name", "web" },
	};
	char path[300];

	count = writes = refuse_at = 0;
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		snprintf(path, sizeof(path), "/local/domain/3/%s", written[i][0]);
		set(path, written[i][1]);
	}
	set("/local/domain/9/device/vbd/51712/backend", "/local/domain/0/backend/vbd/9/51712");
	set("/local/domain/9/device/vbd/51712/state", "1");
	return 0;
}

static void test_carries(void **state)
{
	struct guest_store store;

	assert_int_equal(guest_store_take(&store, NULL, 3), 0);
	assert_int_equal(guest_store_put(&store, NULL, 9), 0);
	guest_store_free(&store);
	assert_string_equal(value_of("/local/domain/9/device/vbd/51712/ring-ref"), "8");
	assert_string_equal(value_of("/local/domain/9/device/vbd/51712/state"), "4");
	assert_string_equal(value_of("/local/domain/9/control/feature-poweroff"), "1");
	assert_string_equal(value_of("/local/domain/9/device/vbd/51712/backend"),
	                    "/local/domain/0/backend/vbd/9/51712");
	assert_string_equal(value_of("/local/domain/9/name"), "none");
}

/* A backend that sees a frontend's state may take it that all else is there. */
static void test_state_comes_last(void **state)
{
	struct guest_store store;

	assert_int_equal(guest_store_take(&store, NULL, 3), 0);
	for (refuse_at = 1;; refuse_at++) {
		writes = 0;
		if (!guest_store_put(&store, NULL, 9))
			break;
		assert_string_equal(value_of("/local/domain/9/device/vbd/51712/state"), "1");
	}
	assert_true(refuse_at > 2);
	guest_store_free(&store);
}

static void test_bounds(void **state)
{
	struct guest_store store;
	char path[300];

	for (unsigned int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "/local/domain/3/data/%u", i);
		set(path, "x");
	}
	set("/local/domain/3/data", "");
	strcpy(path, "/local/domain/3/data");
	for (unsigned int i = 0; i < 60; i++) {
		strcat(path, "/d");
		set(path, "deep");
	}
	assert_int_equal(guest_store_take(&store, NULL, 3), 0);
	assert_int_equal(store.count, GUEST_STORE_NODES_MAX);
	guest_store_free(&store);
	assert_int_equal(guest_store_take(&store, NULL, 4), 0);
	assert_int_equal(store.count, 0);
	guest_store_free(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_carries, set_up),
		cmocka_unit_test_setup(test_state_comes_last, set_up),
		cmocka_unit_test_setup(test_bounds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
