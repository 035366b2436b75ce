/* The take-over, step by step. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/take_over.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "replication/domain/devices.h"
#include "replication/estate/daemon_rings.h"
#include "replication/estate/shadow_devices.h"

/* What is known of the source beside its memory and state. */
struct estate {
	struct xs_handle *xs;
	struct daemon_rings rings;
	struct guest_store store;
};

static int failed(const struct shadow *shadow, const char *what, int err)
{
	log_error("domain %u to %u: cannot %s: %s", shadow->source, shadow->domid, what,
	          strerror(-err));
	return err;
}

static int collect(struct estate *estate, const struct shadow *shadow)
{
	int err;

	estate->xs = xs_open(0);
	if (!estate->xs)
		return failed(shadow, "open the xenstore", -errno);
	err = daemon_rings_find(&estate->rings, estate->xs, shadow->source);
	if (err)
		return failed(shadow, "find its rings in the xenstore", err);
	err = guest_store_take(&estate->store, estate->xs, shadow->source);
	return err ? failed(shadow, "read its xenstore", err) : 0;
}

static void forget(struct estate *estate)
{
	guest_store_free(&estate->store);
	if (estate->xs)
		xs_close(estate->xs);
}

/* Nothing of its rings is half written when they are captured (I3). A guest without devices has no worker. */
static int stop_devices(const struct shadow *shadow, struct devices *devices)
{
	int err;

	if (!shadow->config.num_disks && !shadow->config.num_nics)
		return 0;
	err = devices_take(devices, shadow->source, 1);
	if (!err)
		err = devices_ask(devices, DOOR_STOP, devices->epoch);
	return err ? failed(shadow, "have its devices stand still", err) : 0;
}

/* The source has stopped: all that it has done is in the shadow afterwards. */
static int last_epoch(struct shadow *shadow, struct mirror *mirror, int is_checking)
{
	struct devices devices;
	int err;

	devices_init(&devices);
	err = stop_devices(shadow, &devices);
	if (!err)
		err = mirror_epoch(mirror);
	devices_leave(&devices);
	if (!err && is_checking)
		err = mirror_check(mirror);
	if (err)
		return err;
	err = apply_load(&mirror->apply);
	return err ? failed(shadow, "load the state", err) : 0;
}

/* The source is gone. */
static int attach(struct shadow *shadow, struct mirror *mirror, struct estate *estate)
{
	int err = shadow_rename(shadow);

	if (err)
		return err;
	err = daemon_rings_attach(&estate->rings, estate->xs, shadow->domid);
	if (err)
		return failed(shadow, "attach the xenstore and the console", err);
	err = shadow_devices_add(shadow);
	if (!err)
		err = shadow_devices_connect(shadow, &estate->store, estate->xs);
	if (err)
		return err;
	err = apply_activate(&mirror->apply, 0);
	return err ? failed(shadow, "start the shadow", err) : 0;
}

int take_over(struct shadow *shadow, struct mirror *mirror, int is_checking, int *is_source_gone)
{
	struct estate estate = { 0 };
	int err = shadow_pause_source(shadow);

	if (err)
		return err;
	err = last_epoch(shadow, mirror, is_checking);
	if (!err)
		err = collect(&estate, shadow);
	if (err) {
		shadow_unpause_source(shadow);
		goto out;
	}
	capture_end(&mirror->capture);
	*is_source_gone = 1;
	err = shadow_destroy_source(shadow);
	if (!err)
		err = attach(shadow, mirror, &estate);
out:
	forget(&estate);
	return err;
}
