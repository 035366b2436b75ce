/* What a virtual disk and a virtual network card have in common, seen from xenbus. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_DEVICE_H
#define REPLICATION_BACKEND_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "common/states.h"
#include "replication/backend/grants.h"
#include "replication/backend/image.h"
#include "replication/backend/output.h"
#include "replication/backend/ring.h"
#include "replication/backend/store.h"
#include "replication/hold/door.h"

/* A network card has one port a direction. */
#define DEVICE_PORTS_MAX 2u
/* Pages of a ring, at most; our kinds offer as many or fewer. */
#define DEVICE_RING_PAGES_MAX 2u

struct device;

/* What all devices of a process share. */
struct host {
	struct ev_loop *loop;
	unsigned int domid; /* of the guest */
	struct xs_handle *xs;
	xenevtchn_handle *evtchn;
	struct grants grants; /* empty between handlers */
	struct image_queue images;
	struct output output;
	const char *marks;    /* folder of the disks' marks; NULL: none are kept */
	unsigned int turn_ms; /* between two turns of them, at least */
};

/* A kind of device: "vif", "vbd". Those that return int answer 0 or a negative errno, with *why set where
 * they have it. */
struct device_kind {
	const char *name;
	size_t bytes; /* of the structure that begins with struct device */
	unsigned int journals;
	/* Publish features and make what the hotplug script expects to find; called before each WAIT. is_attach: an earlier
	 * process has published them. */
	int (*create)(struct device *device, bool is_attach, const char **why);
	bool (*is_ready)(struct device *device);
	/* Map the rings and begin. is_attach: where an earlier process left off. */
	int (*connect)(struct device *device, bool is_attach, const char **why);
	/* Touch nothing of the guest's any more. Jobs under way end by themselves. */
	void (*disconnect)(struct device *device);
	bool (*is_idle)(const struct device *device);
	/* The frontend sent an event. */
	void (*serve)(struct device *device);
	/* Output (output.h). These may be NULL: */
	int (*hold)(struct device
	                    *device); /* have room for frames that are held; called before any is */
	void (*let_go)(struct device *device); /* more may leave than before */
	void (*held)(const struct device *device, struct held_sum *sum); /* add such frames */
	bool (*is_noted)(
		const struct device *device); /* no write is under way that was not noted */
	uint64_t (*oldest_note)(
		const struct device *device); /* of changes that are under way; UINT64_MAX */
	/* PAIR, CUT, COMMITTED of the holder's, as door.h has them. 0 or a negative errno */
	int (*mark)(struct device *device, enum door_kind kind, uint64_t number);
	/* Free what create made; is_final: remove what outlives a process as well. */
	void (*destroy)(struct device *device, bool is_final);
};

struct device {
	const struct device_kind *kind;
	struct host *host;
	struct device *next;
	unsigned int id;
	char back[STORE_PATH_BYTES], front[STORE_PATH_BYTES];
	struct machine machine; /* of xenbus_phases */
	bool is_created, is_connected;
	struct ring_journal *journal; /* of kind->journals rings, while connected */
	evtchn_port_t ports[DEVICE_PORTS_MAX];
	unsigned int port_count;
	ev_timer again; /* serve once more in the next round of the loop: others come first */
};

/* The frontend did what it must not: say so in log and xenstore, let go of it, and wait for its end.
 * The caller returns to the loop at once. */
void device_fail(struct device *device, const char *why);

/* The device became idle, or its state may have to change for another reason. */
void device_evaluate(struct device *device);

/* Map count ring pages of the references; NULL and errno. */
void *device_map(struct device *device, const uint32_t *refs, unsigned int count);
void device_unmap(struct device *device, void *pages, unsigned int count);

/* Bind the frontend's port of that name in its node as our next one. */
int device_bind(struct device *device, const char *name);

/* Notify the frontend by our port of that number. */
void device_notify(struct device *device, unsigned int number);

void device_serve_again(struct device *device);

#endif
