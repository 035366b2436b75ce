/* Making the shadow of a VM of another host, and handing it that one's rings, xenstore nodes and devices. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/heir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/estate/shadow_devices.h"

static struct xen_heir *xen_of(struct estate_heir *heir)
{
	return (struct xen_heir *)heir;
}

static int failed(const struct xen_heir *xen, const char *what, int err)
{
	log_error("%s: cannot %s: %s", xen->shadow.config.c_info.name, what, strerror(-err));
	return err;
}

/* Parsed at its commit, so that what makes no sense is told long before it is needed. */
static int keep(struct estate_heir *heir, enum wire_state_kind kind, const void *bytes,
                uint32_t size)
{
	struct xen_heir *xen = xen_of(heir);
	struct daemon_rings rings;
	struct guest_store store;
	int err;

	if (kind != WIRE_STATE_STORE)
		return 0;
	err = store_state_parse(bytes, size, &rings, &store);
	if (err)
		return failed(xen, "keep what it has in the xenstore", err);
	guest_store_free(&xen->store);
	xen->rings = rings;
	xen->store = store;
	xen->has_store = true;
	return 0;
}

static int attach_all(struct xen_heir *xen, struct xs_handle *xs)
{
	int err = daemon_rings_attach(&xen->rings, xs, xen->shadow.domid);

	if (err)
		return failed(xen, "attach the xenstore and the console", err);
	return shadow_devices_connect(&xen->shadow, &xen->store, xs);
}

static int attach(struct estate_heir *heir)
{
	struct xen_heir *xen = xen_of(heir);
	struct xs_handle *xs;
	int err;

	if (!xen->has_store)
		return failed(xen, "find its xenstore", -ENODATA);
	xs = xs_open(0);
	if (!xs)
		return failed(xen, "open the xenstore", -errno);
	err = attach_all(xen, xs);
	xs_close(xs);
	xen->is_attached = !err;
	return err;
}

static const struct estate_heir_ops ops = { .keep = keep, .attach = attach };

/* Hotplug scripts take seconds: not when the VM stands still and waits for its devices. */
static int make(struct xen_heir *xen, int (*prepare)(unsigned int domid))
{
	int err = shadow_create_same(&xen->shadow);

	if (!err && prepare) {
		err = prepare(xen->shadow.domid);
		if (err)
			failed(xen, "have its output held", err);
	}
	return err ? err : shadow_devices_add(&xen->shadow);
}

int xen_heir_open(struct xen_heir *xen, uint16_t domid, const char *path,
                  int (*prepare)(unsigned int domid))
{
	char *config = shadow_read_listing(path);
	int err;

	*xen = (struct xen_heir){ .heir = { .ops = &ops } };
	if (!config) {
		log_error("%s: not what `xl list -l` prints of one VM", path);
		return -EINVAL;
	}
	err = shadow_open_config(&xen->shadow, domid, config);
	free(config);
	if (!err)
		err = make(xen, prepare);
	if (err)
		xen_heir_close(xen);
	return err;
}

void xen_heir_close(struct xen_heir *xen)
{
	guest_store_free(&xen->store);
	shadow_close(&xen->shadow, xen->is_attached);
	*xen = (struct xen_heir){ 0 };
}
