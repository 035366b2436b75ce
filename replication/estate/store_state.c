/* Packing a guest's xenstore nodes, and unpacking them with distrust. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/store_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void home_path(char path[64], uint32_t domid)
{
	snprintf(path, 64, "/local/domain/%u", domid);
}

/* The watch fires at once, too, so that the first refresh takes it. */
int store_state_watch(struct store_state *state, struct xs_handle *xs, uint32_t domid)
{
	char path[64];

	*state = (struct store_state){ 0 };
	home_path(path, domid);
	return xs_watch(xs, path, "home") ? 0 : -errno;
}

static bool has_changed(struct xs_handle *xs)
{
	bool is_changed = false;
	char **event;

	while ((event = xs_check_watch(xs))) {
		is_changed = true;
		free(event);
	}
	return is_changed;
}

static size_t packed_size(const struct guest_store *store)
{
	size_t size = sizeof(struct store_state_head);

	for (size_t i = 0; i < store->count; i++)
		size += strlen(store->nodes[i].path) + strlen(store->nodes[i].value) + 2;
	return size;
}

static int pack(struct store_state *state, const struct daemon_rings *rings,
                const struct guest_store *store)
{
	const struct store_state_head head = {
		.store_gfn = rings->store_gfn,
		.console_gfn = rings->console_gfn,
		.store_port = rings->store_port,
		.console_port = rings->console_port,
		.nodes = (uint32_t)store->count,
	};
	size_t size = packed_size(store);
	char *bytes, *at;

	if (size > STORE_STATE_MAX)
		return -E2BIG;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, &head, sizeof(head));
	at = bytes + sizeof(head);
	for (size_t i = 0; i < store->count; i++) {
		at = stpcpy(at, store->nodes[i].path) + 1;
		at = stpcpy(at, store->nodes[i].value) + 1;
	}
	free(state->bytes);
	state->bytes = bytes;
	state->size = (uint32_t)size;
	return 0;
}

int store_state_refresh(struct store_state *state, struct xs_handle *xs, uint32_t domid)
{
	struct daemon_rings rings;
	struct guest_store store;
	int err;

	if (!has_changed(xs) && state->bytes)
		return 0;
	err = daemon_rings_find(&rings, xs, domid);
	if (!err)
		err = guest_store_take(&store, xs, domid);
	if (err)
		return err;
	err = pack(state, &rings, &store);
	guest_store_free(&store);
	return err;
}

void store_state_free(struct store_state *state)
{
	free(state->bytes);
	*state = (struct store_state){ 0 };
}

/* The text at *at, which ends before end; *at moves behind it. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at;
	const char *zero = memchr(text, 0, (size_t)(end - text));

	if (!zero)
		return NULL;
	*at = zero + 1;
	return text;
}

static int parse_nodes(const char *at, const char *end, uint32_t count, struct guest_store *store)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < count; i++) {
		const char *path = next_text(&at, end);
		const char *value = path ? next_text(&at, end) : NULL;

		err = value ? guest_store_add(store, path, value) : -EPROTO;
	}
	return !err && at != end ? -EPROTO : err;
}

int store_state_parse(const void *bytes, uint32_t size, struct daemon_rings *rings,
                      struct guest_store *store)
{
	struct store_state_head head;
	const char *at = bytes;
	int err;

	*store = (struct guest_store){ 0 };
	if (size < sizeof(head) || size > STORE_STATE_MAX)
		return -EPROTO;
	memcpy(&head, bytes, sizeof(head));
	if (head.reserved || head.nodes > GUEST_STORE_NODES_MAX)
		return -EPROTO;
	err = parse_nodes(at + sizeof(head), at + size, head.nodes, store);
	if (err) {
		guest_store_free(store);
		return err;
	}
	*rings = (struct daemon_rings){ head.store_gfn, head.console_gfn, head.store_port,
		                        head.console_port };
	return 0;
}
