/* A paused domain of this host as a standby makes a VM of it: memory, state, images, and its start. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_DOMAIN_SINK_H
#define REPLICATION_DOMAIN_DOMAIN_SINK_H

#include <stdbool.h>

#include "replication/apply/own_pages.h"
#include "replication/estate/estate.h"
#include "replication/domain/images.h"
#include "replication/domain/shadow_memory.h"
#include "replication/hyper/hyper.h"
#include "replication/standby/sink.h"

struct domain_sink {
	struct sink sink; /* first */
	struct hyper *hyper;
	struct images *disks;
	uint16_t domain;
	struct own_pages own; /* until the first state has come */
	uint64_t unsynced;    /* bytes written to the images since they were synced */
	bool is_first;        /* nothing but a first copy has come */
	struct hyper_pages pages;
	struct shadow_memory memory;
	void *state; /* of hyper_alloc(), WIRE_STATE_MAX */
	uint32_t state_size;
	struct estate_heir
		*heir; /* the caller's, set after opening; NULL: other state is dropped */
	/* Also set after opening: whether the backend worker holds all output until release(); NULL: it passes. */
	bool (*is_held)(unsigned int domain);
};

/* The parts are the caller's and outlive it; the domain is paused. 0 or a negative errno. */
int domain_sink_open(struct domain_sink *sink, struct hyper *hyper, struct images *disks,
                     uint16_t domain);
void domain_sink_close(struct domain_sink *sink);

#endif
