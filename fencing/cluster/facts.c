/* What Corosync knows of the cluster by its configuration: names, numbers, timing. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/cluster/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <corosync/cmap.h>

/* A ring that has just formed, on a busy host, takes a while to carry an echo. */
#define SLACK               200
#define ECHO_MIN            100
#define ECHO_MAX            1000
#define LAG_DEFAULT         10000 /* for a Corosync that does not tell its timing */
#define DEVICE_SYNC_TIMEOUT 30000 /* Corosync's default */

static bool has_device(cmap_handle_t map)
{
	char *model;

	if (cmap_get_string(map, "quorum.device.model", &model) != CS_OK)
		return false;
	free(model);
	return true;
}

static uint32_t echo_of(uint32_t token)
{
	if (token / 3 > ECHO_MAX)
		return ECHO_MAX;
	return token / 3 < ECHO_MIN ? ECHO_MIN : token / 3;
}

static void read_timing(cmap_handle_t map, struct facts *facts)
{
	uint32_t token, consensus, sync = 0;

	facts->echo = ECHO_MAX;
	facts->lag = LAG_DEFAULT;
	if (cmap_get_uint32(map, "runtime.config.totem.token", &token) != CS_OK)
		return;
	facts->echo = echo_of(token);
	if (cmap_get_uint32(map, "runtime.config.totem.consensus", &consensus) != CS_OK)
		return;
	if (has_device(map) && cmap_get_uint32(map, "quorum.device.sync_timeout", &sync) != CS_OK)
		sync = DEVICE_SYNC_TIMEOUT;
	facts->lag = token + consensus + sync + facts->echo + SLACK;
}

/* The n-th host's. False: there is none. */
static bool nth(cmap_handle_t map, unsigned int n, uint32_t *id, char name[CLUSTER_NAME_SIZE])
{
	char key[64], *text = NULL;

	snprintf(key, sizeof(key), "nodelist.node.%u.nodeid", n);
	if (cmap_get_uint32(map, key, id) != CS_OK)
		return false;
	snprintf(key, sizeof(key), "nodelist.node.%u.name", n);
	if (cmap_get_string(map, key, &text) != CS_OK) {
		snprintf(key, sizeof(key), "nodelist.node.%u.ring0_addr", n);
		if (cmap_get_string(map, key, &text) != CS_OK)
			return false;
	}
	snprintf(name, CLUSTER_NAME_SIZE, "%s", text);
	free(text);
	return true;
}

int facts_read(struct facts *facts)
{
	cmap_handle_t map;
	unsigned int n = 0;

	if (cmap_initialize(&map) != CS_OK)
		return -ENOTCONN;
	read_timing(map, facts);
	while (n < CLUSTER_NODES_MAX && nth(map, n, &facts->hosts[n].id, facts->hosts[n].name))
		n++;
	facts->count = n;
	cmap_finalize(map);
	return 0;
}

int facts_find(const struct facts *facts, const char *name, uint32_t *id)
{
	for (unsigned int n = 0; n < facts->count; n++) {
		if (!strcmp(name, facts->hosts[n].name)) {
			*id = facts->hosts[n].id;
			return 0;
		}
	}
	return -ENOENT;
}

int facts_name(const struct facts *facts, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	for (unsigned int n = 0; n < facts->count; n++) {
		if (facts->hosts[n].id == id) {
			memcpy(name, facts->hosts[n].name, CLUSTER_NAME_SIZE);
			return 0;
		}
	}
	return -ENOENT;
}
