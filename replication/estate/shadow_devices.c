/* Adding the source's disks and network cards to the shadow, and waiting until its backends serve them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/shadow_devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/xenbus.h>

#include "common/log.h"

#define POLLS_MAX 3000
#define POLL_NS   10000000L

/* Of the backend that a frontend's node names. */
static int backend_state(struct xs_handle *xs, const char *frontend)
{
	char path[256];
	unsigned int length;
	char *backend, *state;
	int value = XenbusStateUnknown;

	snprintf(path, sizeof(path), "%s/backend", frontend);
	backend = xs_read(xs, XBT_NULL, path, &length);
	if (!backend)
		return value;
	snprintf(path, sizeof(path), "%s/state", backend);
	free(backend);
	state = xs_read(xs, XBT_NULL, path, &length);
	if (state)
		value = atoi(state);
	free(state);
	return value;
}

static int wait_backend(struct xs_handle *xs, const char *frontend)
{
	const struct timespec pause = { 0, POLL_NS };
	int state;

	for (unsigned int i = 0; i < POLLS_MAX; i++) {
		state = backend_state(xs, frontend);
		if (state == XenbusStateConnected)
			return 0;
		if (state != XenbusStateInitialising && state != XenbusStateInitWait &&
		    state != XenbusStateInitialised)
			break;
		nanosleep(&pause, NULL);
	}
	log_error("%s: its backend does not serve it, but is in state %d", frontend, state);
	return -EIO;
}

static int wait_kind(struct shadow *shadow, struct xs_handle *xs, const char *kind)
{
	char folder[64], frontend[128];
	unsigned int count = 0;
	char **names;
	int err = 0;

	snprintf(folder, sizeof(folder), "/local/domain/%u/device/%s", shadow->domid, kind);
	names = xs_directory(xs, XBT_NULL, folder, &count);
	for (unsigned int i = 0; names && !err && i < count; i++) {
		snprintf(frontend, sizeof(frontend), "%s/%s", folder, names[i]);
		err = wait_backend(xs, frontend);
	}
	free(names);
	return err;
}

int shadow_devices_add(struct shadow *shadow)
{
	libxl_domain_config *config = &shadow->config;
	int err = 0;

	for (int i = 0; !err && i < config->num_disks; i++)
		err = libxl_device_disk_add(shadow->ctx, shadow->domid, &config->disks[i], NULL);
	for (int i = 0; !err && i < config->num_nics; i++)
		err = libxl_device_nic_add(shadow->ctx, shadow->domid, &config->nics[i], NULL);
	if (!err)
		return 0;
	log_error("cannot give domain %u its devices: libxl's error %d", shadow->domid, err);
	return -EIO;
}

int shadow_devices_connect(struct shadow *shadow, const struct guest_store *store,
                           struct xs_handle *xs)
{
	int err = guest_store_put(store, xs, shadow->domid);

	if (err) {
		log_error("cannot write the xenstore of domain %u: %s", shadow->domid,
		          strerror(-err));
		return err;
	}
	err = wait_kind(shadow, xs, "vbd");
	return err ? err : wait_kind(shadow, xs, "vif");
}
