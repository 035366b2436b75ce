/* Walking a guest's part of the xenstore, and writing it anew elsewhere. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/guest_store.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 256 /* more than XENSTORE_REL_PATH_MAX allows a guest is of no use to it */
#define DEPTH_MAX  8

static const char *const folders[] = { "attr", "control", "data", "device", "drivers", "error" };

static void home_path(char *path, uint32_t domid, const char *relative)
{
	snprintf(path, PATH_BYTES * 2, "/local/domain/%u/%s", domid, relative);
}

static int add(struct guest_store *store, const char *path, char *value)
{
	struct guest_node *node;

	if (store->count == store->room) {
		size_t room = store->room ? store->room * 2 : 64;
		struct guest_node *nodes = realloc(store->nodes, room * sizeof(*nodes));

		if (!nodes)
			return -ENOMEM;
		store->nodes = nodes;
		store->room = room;
	}
	node = &store->nodes[store->count];
	node->path = strdup(path);
	node->value = value;
	if (!node->path)
		return -ENOMEM;
	store->count++;
	return 0;
}

/* Below one of our folders, without an empty part, which would make it another path, and of what characters paths have. */
static bool is_ours(const char *path)
{
	size_t length = strlen(path);

	if (length >= PATH_BYTES || strstr(path, "//") || (length && path[length - 1] == '/') ||
	    path[strspn(path,
	                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@+:,.")])
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t own = strlen(folders[i]);

		if (!strncmp(path, folders[i], own) && (path[own] == '/' || !path[own]))
			return true;
	}
	return false;
}

int guest_store_add(struct guest_store *store, const char *path, const char *value)
{
	char *copy;
	int err;

	if (!is_ours(path) || store->count == GUEST_STORE_NODES_MAX)
		return -EPROTO;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	err = add(store, path, copy);
	if (err)
		free(copy);
	return err;
}

static int take(struct guest_store *store, struct xs_handle *xs, uint32_t domid,
                const char *relative, unsigned int depth);

static int take_children(struct guest_store *store, struct xs_handle *xs, uint32_t domid,
                         const char *relative, unsigned int depth)
{
	char path[PATH_BYTES * 2];
	unsigned int count = 0;
	char **names;
	int err = 0;

	home_path(path, domid, relative);
	names = xs_directory(xs, XBT_NULL, path, &count);
	for (unsigned int i = 0; names && !err && i < count; i++) {
		char child[PATH_BYTES];
		int length = snprintf(child, sizeof(child), "%s/%s", relative, names[i]);

		if (length < (int)sizeof(child))
			err = take(store, xs, domid, child, depth + 1);
	}
	free(names);
	return err;
}

/* A node that went meanwhile is none of the guest's any more. */
static int take(struct guest_store *store, struct xs_handle *xs, uint32_t domid,
                const char *relative, unsigned int depth)
{
	char path[PATH_BYTES * 2];
	unsigned int length;
	char *value;
	int err;

	if (depth > DEPTH_MAX || store->count == GUEST_STORE_NODES_MAX)
		return 0;
	home_path(path, domid, relative);
	value = xs_read(xs, XBT_NULL, path, &length);
	if (!value)
		return 0;
	err = add(store, relative, value);
	if (err)
		free(value);
	else
		err = take_children(store, xs, domid, relative, depth);
	return err;
}

int guest_store_take(struct guest_store *store, struct xs_handle *xs, uint32_t domid)
{
	int err = 0;

	*store = (struct guest_store){ 0 };
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(folders[0]); i++)
		err = take(store, xs, domid, folders[i], 0);
	if (err)
		guest_store_free(store);
	return err;
}

static bool ends_with(const char *path, const char *name)
{
	const char *last = strrchr(path, '/');

	return last && !strcmp(last + 1, name);
}

static bool is_frontend(const struct guest_node *node)
{
	return !strncmp(node->path, "device/", strlen("device/"));
}

static bool is_state(const struct guest_node *node)
{
	return is_frontend(node) && ends_with(node->path, "state");
}

/* What the toolstack says of a device holds for the domain that it was said to. */
static bool is_place(const struct guest_node *node)
{
	return is_frontend(node) &&
	       (ends_with(node->path, "backend") || ends_with(node->path, "backend-id"));
}

static int put(const struct guest_node *node, struct xs_handle *xs, uint32_t domid)
{
	char path[PATH_BYTES * 2];
	unsigned int length;
	char *there;
	bool is_same;

	home_path(path, domid, node->path);
	there = xs_read(xs, XBT_NULL, path, &length);
	is_same = there && !strcmp(there, node->value);
	free(there);
	if (is_same)
		return 0;
	return xs_write(xs, XBT_NULL, path, node->value, (unsigned int)strlen(node->value))
	               ? 0
	               : -errno;
}

int guest_store_put(const struct guest_store *store, struct xs_handle *xs, uint32_t domid)
{
	int err = 0;

	for (size_t i = 0; !err && i < store->count; i++)
		if (!is_place(&store->nodes[i]) && !is_state(&store->nodes[i]))
			err = put(&store->nodes[i], xs, domid);
	for (size_t i = 0; !err && i < store->count; i++)
		if (is_state(&store->nodes[i]))
			err = put(&store->nodes[i], xs, domid);
	return err;
}

void guest_store_free(struct guest_store *store)
{
	for (size_t i = 0; i < store->count; i++) {
		free(store->nodes[i].path);
		free(store->nodes[i].value);
	}
	free(store->nodes);
	*store = (struct guest_store){ 0 };
}
