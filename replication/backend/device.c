/* What a virtual disk and a virtual network card have in common: ring pages and event channels. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/device.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

#include "common/log.h"

void *device_map(struct device *device, const uint32_t *refs, unsigned int count)
{
	uint32_t copies[DEVICE_RING_PAGES_MAX];

	assert(count <= DEVICE_RING_PAGES_MAX);
	for (unsigned int i = 0; i < count; i++)
		copies[i] = refs[i];
	return xengnttab_map_domain_grant_refs(device->host->grants.handle, count,
	                                       device->host->domid, copies, PROT_READ | PROT_WRITE);
}

void device_unmap(struct device *device, void *pages, unsigned int count)
{
	if (xengnttab_unmap(device->host->grants.handle, pages, count))
		log_error("%s: cannot unmap its ring: errno %d", device->machine.who, errno);
}

int device_bind(struct device *device, const char *name)
{
	struct host *host = device->host;
	uint64_t remote;
	int port;

	assert(device->port_count < DEVICE_PORTS_MAX);
	if (!store_read_number(host->xs, device->front, name, &remote) || remote > UINT32_MAX)
		return -ENOENT;
	port = xenevtchn_bind_interdomain(host->evtchn, host->domid, (evtchn_port_t)remote);
	if (port < 0)
		return -errno;
	device->ports[device->port_count++] = (evtchn_port_t)port;
	return 0;
}

void device_notify(struct device *device, unsigned int number)
{
	/* With one port, it serves all rings. */
	xenevtchn_notify(device->host->evtchn,
	                 device->ports[number < device->port_count ? number : 0]);
}

void device_serve_again(struct device *device)
{
	ev_timer_start(device->host->loop, &device->again);
}
