/* The shadow: a paused domain like another one, made on this host to become that one's successor. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_SHADOW_H
#define REPLICATION_ESTATE_SHADOW_H

#include <stdint.h>

#include <libxl.h>

/*
 * It has the same configuration, but no disks and no network cards: what serves those may serve one domain only, so
 * they come at the take-over (replication/estate/shadow_devices.h). Its name is the source's with a suffix. All functions
 * return 0 or a negative errno and have logged an error.
 */
#define SHADOW_SUFFIX "--shadow"

struct shadow {
	libxl_ctx *ctx;
	struct xentoollog_logger *logger;
	uint32_t source, domid;     /* domid: 0 until it is created */
	uint32_t wanted;            /* the domid that it must have; 0: any */
	libxl_domain_config config; /* the source's, devices included */
};

/* The source by name or domid. shadow is the caller's. */
int shadow_open(struct shadow *shadow, const char *source);

/* libxl's JSON out of a file with what `xl list -l` prints of one VM. For free(); NULL: it is none, or not there. */
char *shadow_read_listing(const char *path);

/* Of a domain of another host: its number there, and its configuration in libxl's JSON, which is checked by libxl. source is 0. */
int shadow_open_config(struct shadow *shadow, uint32_t domid, const char *json);

int shadow_create(struct shadow *shadow);

/* The same under the name, number and UUID of the domain that it is to replace, which is none of this host: -EEXIST. */
int shadow_create_same(struct shadow *shadow);

/* Gives up a shadow that was created. */
int shadow_destroy(struct shadow *shadow);

/* No shadow, but the VM of that listing itself, with its devices: made and started on this host. It has that number if no
 * domain of this host does. */
int shadow_start(const char *path, uint32_t domid);

int shadow_pause_source(struct shadow *shadow);
void shadow_unpause_source(struct shadow *shadow);

/* Ends the source and takes its devices away. */
int shadow_destroy_source(struct shadow *shadow);

/* The source is gone: its name is the shadow's now. */
int shadow_rename(struct shadow *shadow);

/* Destroys the shadow if it was created, unless it is kept, and frees. Fine if all zero. */
void shadow_close(struct shadow *shadow, int is_kept);

#endif
