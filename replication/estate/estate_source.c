/* The xenstore of a running domain, boundary after boundary. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/estate/estate_source.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

static struct xen_estate_source *xen_of(struct estate_source *source)
{
	return (struct xen_estate_source *)source;
}

static int failed(const struct xen_estate_source *xen, const char *what, int err)
{
	log_error("domain %u: cannot %s: %s", xen->domid, what, strerror(-err));
	return err;
}

static void renew(struct estate_source *source)
{
	struct xen_estate_source *xen = xen_of(source);

	xen->is_due = true;
	xen->is_told = false;
}

/* A node that changes while they are read has fired its watch by then, or will: the next boundary has it. */
static int take(struct estate_source *source)
{
	struct xen_estate_source *xen = xen_of(source);
	const char *before = xen->state.bytes;
	int err = store_state_refresh(&xen->state, xen->xs, xen->domid);

	if (err)
		return failed(xen, "read its xenstore", err);
	xen->is_due = (xen->is_due && !xen->is_told) || xen->state.bytes != before;
	xen->is_told = false;
	return 0;
}

static void tell(struct estate_source *source, enum wire_state_kind kind, const void **bytes,
                 uint32_t *size)
{
	struct xen_estate_source *xen = xen_of(source);

	*size = 0;
	if (kind != WIRE_STATE_STORE || !xen->is_due)
		return;
	*bytes = xen->state.bytes;
	*size = xen->state.size;
	xen->is_told = true;
}

static const struct estate_source_ops ops = { .renew = renew, .take = take, .tell = tell };

int xen_estate_source_open(struct xen_estate_source *xen, uint32_t domid)
{
	int err;

	*xen = (struct xen_estate_source){ .source = { .ops = &ops }, .domid = domid };
	renew(&xen->source);
	xen->xs = xs_open(0);
	if (!xen->xs)
		return failed(xen, "open the xenstore", -errno);
	err = store_state_watch(&xen->state, xen->xs, domid);
	if (!err)
		err = store_state_refresh(&xen->state, xen->xs, domid);
	if (!err)
		return 0;
	failed(xen, "read its xenstore", err);
	xen_estate_source_close(xen);
	return err;
}

void xen_estate_source_close(struct xen_estate_source *xen)
{
	if (xen->xs)
		xs_close(xen->xs);
	store_state_free(&xen->state);
	*xen = (struct xen_estate_source){ 0 };
}
