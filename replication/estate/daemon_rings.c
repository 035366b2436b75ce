/* Having xenstored and xenconsoled bind to the ports of a domain whose event channels were loaded. */
/* SPDX-License-Identifier: Apache-2.0 */

/* The public headers give old numbers to who does not say that he knows the new ones. */
#define __XEN_TOOLS__ 1

#include "replication/estate/daemon_rings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <xencall.h>
#include <xenforeignmemory.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/io/xs_wire.h>

#define POLLS_MAX 500
#define POLL_NS   10000000L

static void home_path(char path[64], uint32_t domid, const char *name)
{
	snprintf(path, 64, "/local/domain/%u/%s", domid, name);
}

static int read_number(struct xs_handle *xs, uint32_t domid, const char *name, uint64_t *number)
{
	unsigned int length;
	char path[64], *text, *end;
	int err = 0;

	home_path(path, domid, name);
	text = xs_read(xs, XBT_NULL, path, &length);
	if (!text)
		return -errno;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno || end == text || *end)
		err = -EINVAL;
	free(text);
	return err;
}

static int write_number(struct xs_handle *xs, uint32_t domid, const char *name, uint64_t number)
{
	char path[64], text[32];
	int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)number);

	home_path(path, domid, name);
	return xs_write(xs, XBT_NULL, path, text, (unsigned int)length) ? 0 : -errno;
}

int daemon_rings_find(struct daemon_rings *rings, struct xs_handle *xs, uint32_t domid)
{
	uint64_t store_port, console_port;
	int err = read_number(xs, domid, "store/ring-ref", &rings->store_gfn);

	if (!err)
		err = read_number(xs, domid, "store/port", &store_port);
	if (!err)
		err = read_number(xs, domid, "console/ring-ref", &rings->console_gfn);
	if (!err)
		err = read_number(xs, domid, "console/port", &console_port);
	if (err)
		return err;
	rings->store_port = (uint32_t)store_port;
	rings->console_port = (uint32_t)console_port;
	return 0;
}

/* --- xenstore --- */

/* The indices of one direction, which are next to each other, as one store. */
static uint64_t *pair(XENSTORE_RING_IDX *consumer)
{
	return (uint64_t *)(void *)consumer;
}

/*
 * Introducing a domain again binds its port anew, and empties the ring: what lay in it is put back while the guest waits.
 * Each pair is written at once, as half of one would look like a broken ring.
 */
static int introduce(struct xs_handle *xs, uint32_t domid, const struct daemon_rings *rings,
                     struct xenstore_domain_interface *ring)
{
	uint64_t requests = *pair(&ring->req_cons), responses = *pair(&ring->rsp_cons);

	if (!xs_introduce_domain(xs, domid, (unsigned long)rings->store_gfn, rings->store_port))
		return -errno;
	__atomic_store_n(pair(&ring->rsp_cons), responses, __ATOMIC_SEQ_CST);
	__atomic_store_n(pair(&ring->req_cons), requests, __ATOMIC_SEQ_CST);
	return 0;
}

static int attach_store(struct xs_handle *xs, uint32_t domid, const struct daemon_rings *rings)
{
	xenforeignmemory_handle *memory = xenforeignmemory_open(NULL, 0);
	xen_pfn_t gfn = rings->store_gfn;
	void *ring;
	int err;

	if (!memory)
		return -errno;
	ring = xenforeignmemory_map(memory, domid, PROT_READ | PROT_WRITE, 1, &gfn, NULL);
	err = ring ? introduce(xs, domid, rings, ring) : -errno;
	if (ring)
		xenforeignmemory_unmap(memory, ring, 1);
	xenforeignmemory_close(memory);
	if (err)
		return err;
	/* xenstored looks at all rings whenever it is asked something. */
	err = write_number(xs, domid, "store/port", rings->store_port);
	return err ? err : write_number(xs, domid, "store/ring-ref", rings->store_gfn);
}

/* --- console --- */

static int port_status(uint32_t domid, uint32_t port, uint32_t *status)
{
	xencall_handle *calls = xencall_open(NULL, 0);
	struct evtchn_status *query;
	int err = -ENOMEM;

	if (!calls)
		return -errno;
	query = xencall_alloc_buffer(calls, sizeof(*query));
	if (query) {
		*query = (struct evtchn_status){ .dom = (domid_t)domid, .port = port };
		err = xencall2(calls, __HYPERVISOR_event_channel_op, EVTCHNOP_status,
		               (uint64_t)(uintptr_t)query)
		              ? -errno
		              : 0;
		*status = query->status;
		xencall_free_buffer(calls, query);
	}
	xencall_close(calls);
	return err;
}

/* Whether somebody has bound himself to the port, within a while. */
static int wait_bound(uint32_t domid, uint32_t port, unsigned int polls)
{
	const struct timespec pause = { 0, POLL_NS };
	uint32_t status = 0;
	int err;

	while (!(err = port_status(domid, port, &status)) && status != EVTCHNSTAT_interdomain) {
		if (!polls--)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return err;
}

/*
 * xenconsoled binds anew when it sees another port in the xenstore. It may sleep through a short lie, so the lie is
 * told again until it has noticed.
 */
static int attach_console(struct xs_handle *xs, uint32_t domid, const struct daemon_rings *rings)
{
	int err = write_number(xs, domid, "console/ring-ref", rings->console_gfn);

	for (unsigned int i = 0; !err && i < POLLS_MAX / 50; i++) {
		const struct timespec pause = { 0, POLL_NS * 2 };

		err = write_number(xs, domid, "console/port", 0);
		nanosleep(&pause, NULL);
		if (!err)
			err = write_number(xs, domid, "console/port", rings->console_port);
		if (!err)
			err = wait_bound(domid, rings->console_port, 50);
		if (err != -ETIMEDOUT)
			return err;
		err = 0;
	}
	return err ? err : -ETIMEDOUT;
}

int daemon_rings_attach(const struct daemon_rings *rings, struct xs_handle *xs, uint32_t domid)
{
	int err = attach_store(xs, domid, rings);

	return err ? err : attach_console(xs, domid, rings);
}
