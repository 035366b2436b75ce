/* The devices of a guest: found in the xenstore, led through the handshake, served. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * The xenstore is asked while the loop waits: a round trip to xenstored, only while devices come, go or change state.
 */

#include "replication/backend/xenbus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/backend/disk.h"
#include "replication/backend/journal.h"
#include "replication/backend/net.h"
#include "replication/backend/xenbus_states.h"

static const struct device_kind *const kinds[] = { &net_kind, &disk_kind };
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* Devices of a guest; libxl numbers disks by Linux' device numbers, so ids are no measure. */
#define DEVICES_MAX 64

static void read_facts(struct device *device, struct xenbus_facts *facts)
{
	struct xs_handle *xs = device->host->xs;

	facts->frontend = store_number(xs, device->front, "state", 6, 0);
	facts->backend = store_number(xs, device->back, "state", 6, 0);
	facts->is_online = store_number(xs, device->back, "online", 1, 0);
	facts->is_ready = device->is_created && device->kind->is_ready(device);
	facts->is_idle = device->kind->is_idle(device);
}

/* Write our state, but never into a node that the toolstack has removed: that would make it anew. */
static bool try_show_state(struct device *device)
{
	struct xs_handle *xs = device->host->xs;
	xs_transaction_t transaction = xs_transaction_start(xs);
	char path[STORE_PATH_BYTES + 8];
	char text[4];
	unsigned int length;
	char *old;

	snprintf(path, sizeof(path), "%s/state", device->back);
	snprintf(text, sizeof(text), "%u", xenbus_state_of((enum phase)device->machine.current));
	old = xs_read(xs, transaction, path, &length);
	if (old)
		xs_write(xs, transaction, path, text, (unsigned int)strlen(text));
	free(old);
	return xs_transaction_end(xs, transaction, old == NULL) || errno != EAGAIN;
}

static void show_state(struct device *device)
{
	while (!try_show_state(device))
		;
}

static void disconnect(struct device *device)
{
	if (!device->is_connected)
		return;
	device->is_connected = false;
	ev_timer_stop(device->host->loop, &device->again);
	device->kind->disconnect(device);
	for (unsigned int i = 0; i < device->port_count; i++)
		xenevtchn_unbind(device->host->evtchn, device->ports[i]);
	device->port_count = 0;
	journal_unmap(device->journal, device->kind->journals);
}

static void destroy(struct device *device, bool is_final)
{
	if (device->is_created)
		device->kind->destroy(device, is_final);
	device->is_created = false;
	if (is_final)
		journal_remove(device->host->domid, device->kind->name, device->id);
}

static int create(struct device *device, bool is_attach, const char **why)
{
	int err = device->kind->create(device, is_attach, why);

	if (!err)
		device->is_created = true;
	return err;
}

static int connect_rings(struct device *device, bool is_attach, const char **why)
{
	unsigned int count = device->kind->journals;
	int err;

	device->journal = journal_map(device->host->domid, device->kind->name, device->id, count);
	if (!device->journal) {
		*why = "its journal cannot be mapped";
		return -errno;
	}
	err = device->kind->connect(device, is_attach, why);
	if (err) {
		for (unsigned int i = 0; i < device->port_count; i++)
			xenevtchn_unbind(device->host->evtchn, device->ports[i]);
		device->port_count = 0;
		journal_unmap(device->journal, count);
		return err;
	}
	device->is_connected = true;
	return 0;
}

void device_fail(struct device *device, const char *why)
{
	char folder[STORE_PATH_BYTES + 16];

	log_error("%s: %s: closed", device->machine.who, why);
	snprintf(folder, sizeof(folder), "error/%s", device->back);
	store_write(device->host->xs, folder, "error", "%s", why);
	disconnect(device);
	machine_move(&device->machine, PHASE_BROKEN, why);
	show_state(device);
}

/* What entering a phase takes; -errno with *why if it cannot be had. */
static int enter(struct device *device, enum phase phase, bool is_attach, const char **why)
{
	int err = 0;

	if (phase != PHASE_CONNECTED)
		disconnect(device);
	if (phase == PHASE_WAIT || is_attach)
		err = create(device, is_attach, why);
	if (!err && phase == PHASE_CONNECTED)
		err = connect_rings(device, is_attach, why);
	return err;
}

static void move(struct device *device, enum phase phase, bool is_attach, const char *cause)
{
	const char *why = "failed";
	char text[128];
	int err = enter(device, phase, is_attach, &why);

	if (err) {
		snprintf(text, sizeof(text), "%s (%s)", why, strerror(-err));
		device_fail(device, text);
		return;
	}
	machine_move(&device->machine, phase, cause);
	show_state(device);
	/* The first round: an attached ring may hold requests, and an event may have been lost. */
	if (phase == PHASE_CONNECTED)
		device_serve_again(device);
}

void device_evaluate(struct device *device)
{
	static const char *const names[] = { "gone",      "initialising", "waiting", "initialised",
		                             "connected", "closing",      "closed" };
	struct xenbus_facts facts;
	char cause[48];

	for (;;) {
		enum phase phase = (enum phase)device->machine.current;
		enum phase next;

		read_facts(device, &facts);
		next = xenbus_next(phase, &facts);
		if (next == phase)
			break;
		snprintf(cause, sizeof(cause), "frontend is %s", names[facts.frontend]);
		move(device, next, false, cause);
	}
	if (device->machine.current == PHASE_CLOSED && !facts.is_online)
		destroy(device, true);
}

static void serve_again(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct device *device = timer->data;

	(void)loop;
	(void)events;
	if (device->is_connected)
		device->kind->serve(device);
}

static void begin(struct device *device)
{
	struct xenbus_facts facts;
	bool is_attach;
	enum phase first;

	read_facts(device, &facts);
	first = xenbus_first(&facts, &is_attach);
	machine_init(&device->machine, xenbus_phases, first, device->back);
	if (is_attach)
		move(device, PHASE_CONNECTED, true, "taking up where it was left");
	device_evaluate(device);
}

static struct device *find_device(struct xenbus *xenbus, const struct device_kind *kind,
                                  unsigned int id)
{
	struct device *device = xenbus->devices;

	while (device && (device->kind != kind || device->id != id))
		device = device->next;
	return device;
}

static void add_device(struct xenbus *xenbus, const struct device_kind *kind, unsigned int id)
{
	struct device *device = calloc(1, kind->bytes);
	char path[STORE_PATH_BYTES + 8];

	if (!device) {
		log_error("%s/%u/%u: no memory for it", kind->name, xenbus->host.domid, id);
		return;
	}
	device->kind = kind;
	device->host = &xenbus->host;
	device->id = id;
	snprintf(device->back, sizeof(device->back), "backend/%s/%u/%u", kind->name,
	         xenbus->host.domid, id);
	snprintf(device->front, sizeof(device->front), "/local/domain/%u/device/%s/%u",
	         xenbus->host.domid, kind->name, id);
	ev_timer_init(&device->again, serve_again, 0., 0.);
	device->again.data = device;
	device->next = xenbus->devices;
	xenbus->devices = device;
	snprintf(path, sizeof(path), "%s/state", device->front);
	xs_watch(xenbus->host.xs, path, path);
	begin(device);
}

static void remove_device(struct xenbus *xenbus, struct device *device)
{
	struct device **link = &xenbus->devices;
	char path[STORE_PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%s/state", device->front);
	xs_unwatch(xenbus->host.xs, path, path);
	disconnect(device);
	destroy(device, true);
	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	log_info("%s: removed", device->machine.who);
	free(device);
}

/* Whether the toolstack still has this device. */
static bool is_there(struct xenbus *xenbus, const struct device *device)
{
	char *text = store_read(xenbus->host.xs, device->back, "frontend-id");

	free(text);
	return text != NULL;
}

static unsigned int count_devices(const struct xenbus *xenbus)
{
	unsigned int count = 0;

	for (const struct device *device = xenbus->devices; device; device = device->next)
		count++;
	return count;
}

static void find_new(struct xenbus *xenbus, const struct device_kind *kind)
{
	char path[STORE_PATH_BYTES];
	unsigned int count = 0;
	char **names;

	snprintf(path, sizeof(path), "backend/%s/%u", kind->name, xenbus->host.domid);
	names = xs_directory(xenbus->host.xs, XBT_NULL, path, &count);
	for (unsigned int i = 0; names && i < count; i++) {
		unsigned int id = (unsigned int)strtoul(names[i], NULL, 10);

		if (!find_device(xenbus, kind, id) && count_devices(xenbus) < DEVICES_MAX)
			add_device(xenbus, kind, id);
	}
	free(names);
}

/* What device_fail() wrote goes with the guest. */
static void forget_errors(struct xenbus *xenbus)
{
	char path[STORE_PATH_BYTES];

	for (size_t i = 0; i < KIND_COUNT; i++) {
		snprintf(path, sizeof(path), "error/backend/%s/%u", kinds[i]->name,
		         xenbus->host.domid);
		xs_rm(xenbus->host.xs, XBT_NULL, path);
	}
}

static void scan(struct xenbus *xenbus)
{
	struct device *device, *next;

	for (device = xenbus->devices; device; device = next) {
		next = device->next;
		/* Jobs under way point into the device: it stays until they have ended. */
		if (!is_there(xenbus, device) && device->kind->is_idle(device))
			remove_device(xenbus, device);
		else
			device_evaluate(device);
	}
	for (size_t i = 0; i < KIND_COUNT; i++)
		find_new(xenbus, kinds[i]);
	if (!xenbus->devices) {
		forget_errors(xenbus);
		xenbus->emptied(xenbus);
	}
}

static void on_store(struct ev_loop *loop, ev_io *io, int events)
{
	struct xenbus *xenbus = io->data;
	bool is_changed = false;
	char **watch;

	(void)loop;
	(void)events;
	while ((watch = xs_check_watch(xenbus->host.xs))) {
		is_changed = true;
		free(watch);
	}
	if (is_changed && !xenbus->is_stopping)
		scan(xenbus);
}

static struct device *find_port(struct xenbus *xenbus, evtchn_port_t port)
{
	for (struct device *device = xenbus->devices; device; device = device->next) {
		for (unsigned int i = 0; i < device->port_count; i++) {
			if (device->ports[i] == port)
				return device;
		}
	}
	return NULL;
}

static void on_event(struct ev_loop *loop, ev_io *io, int events)
{
	struct xenbus *xenbus = io->data;
	struct device *device;
	int port;

	(void)loop;
	(void)events;
	while ((port = xenevtchn_pending(xenbus->host.evtchn)) >= 0) {
		/* Unmasked first: what comes while it is served is not lost. */
		xenevtchn_unmask(xenbus->host.evtchn, (evtchn_port_t)port);
		device = find_port(xenbus, (evtchn_port_t)port);
		if (device && !xenbus->is_stopping)
			device->kind->serve(device);
	}
}

static void on_images(struct ev_loop *loop, ev_io *io, int events)
{
	struct xenbus *xenbus = io->data;

	(void)loop;
	(void)events;
	image_queue_reap(&xenbus->host.images);
	output_settled(&xenbus->host.output);
	if (xenbus->is_stopping)
		return;
	for (struct device *device = xenbus->devices; device; device = device->next) {
		if (device->is_connected)
			device->kind->serve(device);
		else if (device->kind->is_idle(device))
			device_evaluate(device);
	}
}

static void watch_fd(struct xenbus *xenbus, ev_io *io, int fd,
                     void (*handle)(struct ev_loop *, ev_io *, int))
{
	ev_io_init(io, handle, fd, EV_READ);
	io->data = xenbus;
	ev_io_start(xenbus->host.loop, io);
}

static int open_failed(const char *what)
{
	int err = errno;

	log_error("cannot open %s: %s", what, strerror(err));
	return -err;
}

int xenbus_open(struct xenbus *xenbus)
{
	struct host *host = &xenbus->host;
	char path[STORE_PATH_BYTES];
	int err;

	host->xs = xs_open(0);
	if (!host->xs)
		return open_failed("the xenstore");
	host->evtchn = xenevtchn_open(NULL, 0);
	if (!host->evtchn || fcntl(xenevtchn_fd(host->evtchn), F_SETFL, O_NONBLOCK))
		return open_failed("the event channels");
	host->grants.handle = xengnttab_open(NULL, 0);
	host->grants.domid = (uint16_t)host->domid;
	if (!host->grants.handle)
		return open_failed("the grant tables");
	err = image_queue_open(&host->images);
	if (err) {
		log_error("cannot open a disk queue: %s", strerror(-err));
		return err;
	}
	for (size_t i = 0; i < KIND_COUNT; i++) {
		snprintf(path, sizeof(path), "backend/%s/%u", kinds[i]->name, host->domid);
		if (!xs_watch(host->xs, path, path))
			return open_failed("a xenstore watch");
	}
	return 0;
}

void xenbus_start(struct xenbus *xenbus)
{
	struct host *host = &xenbus->host;

	watch_fd(xenbus, &xenbus->event_ready, xenevtchn_fd(host->evtchn), on_event);
	watch_fd(xenbus, &xenbus->images_ready, host->images.event, on_images);
	watch_fd(xenbus, &xenbus->store_ready, xs_fileno(host->xs), on_store);
}

void xenbus_stop(struct xenbus *xenbus)
{
	xenbus->is_stopping = true;
	ev_io_stop(xenbus->host.loop, &xenbus->event_ready);
	ev_io_stop(xenbus->host.loop, &xenbus->store_ready);
}

bool xenbus_is_idle(const struct xenbus *xenbus)
{
	for (const struct device *device = xenbus->devices; device; device = device->next) {
		if (!device->kind->is_idle(device))
			return false;
	}
	return true;
}
