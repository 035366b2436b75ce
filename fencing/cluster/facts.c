/* What Corosync knows of the cluster by its configuration: names, numbers, timing. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/cluster/facts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A ring that has just formed, on a busy host, takes a while to carry an echo. */
#define SLACK               200
#define ECHO_MIN            100
#define ECHO_MAX            1000
#define DEVICE_SYNC_TIMEOUT 30000 /* Corosync's default */

static bool has_device(cmap_handle_t map)
{
	char *model;

	if (cmap_get_string(map, "quorum.device.model", &model) != CS_OK)
		return false;
	free(model);
	return true;
}

uint32_t facts_echo(cmap_handle_t map)
{
	uint32_t token;

	if (cmap_get_uint32(map, "runtime.config.totem.token", &token) != CS_OK ||
	    token / 3 > ECHO_MAX)
		return ECHO_MAX;
	return token / 3 < ECHO_MIN ? ECHO_MIN : token / 3;
}

uint32_t facts_lag(cmap_handle_t map)
{
	uint32_t token, consensus, sync = 0;

	if (cmap_get_uint32(map, "runtime.config.totem.token", &token) != CS_OK ||
	    cmap_get_uint32(map, "runtime.config.totem.consensus", &consensus) != CS_OK)
		return 0;
	if (has_device(map) && cmap_get_uint32(map, "quorum.device.sync_timeout", &sync) != CS_OK)
		sync = DEVICE_SYNC_TIMEOUT;
	return token + consensus + sync + facts_echo(map) + SLACK;
}

/* Gives both of the n-th host; a host without a name is called by its first address. False: there is none. */
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

int facts_find(cmap_handle_t map, const char *name, uint32_t *id)
{
	char other[CLUSTER_NAME_SIZE];

	for (unsigned int n = 0; nth(map, n, id, other); n++) {
		if (!strcmp(name, other))
			return 0;
	}
	return -ENOENT;
}

int facts_name(cmap_handle_t map, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	uint32_t other;

	for (unsigned int n = 0; nth(map, n, &other, name); n++) {
		if (id == other)
			return 0;
	}
	return -ENOENT;
}
