/* What a worker is told by its file: whom it serves, where its peer is, its certificates and limits. docs/workers.md */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_WORKER_CONFIG_H
#define REPLICATION_MAIN_WORKER_CONFIG_H

#include <stdbool.h>

#include <jansson.h>

#include "common/exempt.h"
#include "replication/domain/images.h"
#include "replication/epoch/pace.h"
#include "replication/main/contact.h"
#include "replication/wire/hello.h"

#define WORKER_CONFIG_WHY_MAX 256u
#define WORKER_INTERVAL_MAX   60000u /* ms */
#define WORKER_KEPT_MAX       65536u /* MiB */
#define WORKER_KEPT_MIN       4u

struct worker_config {
	json_t *file; /* what strings point into */
	char who[96]; /* for logs */
	uint16_t domain;
	const char *
		shadow; /* standby: file with the VM's configuration, to make the domain of; NULL: it is there */
	bool has_devices;
	bool is_arbitrated;      /* held output waits for the arbiter's leases as well */
	struct wire_hello hello; /* vm, name, host, generation, role, staged_max */
	struct images disks;     /* not opened */
	struct contact_settings contact;
	const char *control;
	struct pace_limits pace;
	uint64_t kept_bytes, small_pages;
	uint32_t twins;
	unsigned int encode_threads;
	struct exempt exempt;
};

/* 0, or -EINVAL with why (of WORKER_CONFIG_WHY_MAX) set: one line with what is wrong where. */
int worker_config_read(struct worker_config *config, enum wire_role role, const char *path,
                       char *why);
void worker_config_free(struct worker_config *config);

#endif
