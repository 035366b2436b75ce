/* What is known for good of a protected VM on one of its two hosts: as JSON, of a file or of a peer. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_PROTECTION_H
#define REPLICATION_DAEMON_PROTECTION_H

#include <jansson.h>
#include <stdbool.h>

#include "replication/wire/wire.h"
#include "toolstack/config/config.h"

#define PROTECTION_NAME_SIZE 64
#define PROTECTION_UUID_SIZE 37
#define PROTECTION_PATH_SIZE 256
#define PROTECTION_WHY_SIZE  160

enum protection_role { PROTECTION_PRIMARY, PROTECTION_STANDBY };

struct protection_disk {
	char path[PROTECTION_PATH_SIZE]; /* the same on both hosts */
	uint32_t device;                 /* its number in the xenstore */
	uint64_t bytes;
};

struct protection {
	char name[PROTECTION_NAME_SIZE]; /* letters, digits and ._+- but not first a dot */
	char uuid[PROTECTION_UUID_SIZE];
	uint16_t domid;
	enum protection_role role; /* of this host */
	char peer[CONFIG_NAME_SIZE];
	uint64_t generation; /* raised at each takeover */
	uint64_t round;      /* raised each time a standby is admitted; 0 without an arbiter */
	bool is_arbitrated;  /* an arbiter decides, not the operator */
	bool accepts_split_brain;
	uint16_t port; /* that the standby's worker listens at; 0: not known yet */
	struct config_vm_defaults settings;
	bool has_devices; /* disks or network cards */
	unsigned int disk_count;
	struct protection_disk disks[WIRE_DISKS_MAX];
};

/* Whether these are within their bounds. */
bool protection_may_set(json_int_t interval, json_int_t budget, json_int_t memory);

const char *protection_role_name(enum protection_role role);
bool protection_is_name(const char *name);

/* As it stands in a record, or is told a peer: NULL, so that it is left out, if there is none. */
const char *protection_exempt(const struct config_vm_defaults *settings,
                              char text[EXEMPT_TEXT_SIZE]);

/* NULL: no memory. */
json_t *protection_to_json(const struct protection *protection);

/* Whether all that is known of both is the same. False also for want of memory. */
bool protection_is_same(const struct protection *one, const struct protection *other);

/* 0, or -EINVAL with one line of what is wrong; *protection is then as it was. Strings of a peer are checked like those of
 * a file: form and bounds, not whether there are such things. */
int protection_from_json(struct protection *protection, const json_t *json,
                         char why[PROTECTION_WHY_SIZE]);

#endif
