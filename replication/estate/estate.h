/* What a VM has on its host beside memory, registers and disks, as those who carry it from one host to the other see it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_ESTATE_H
#define REPLICATION_ESTATE_ESTATE_H

#include <stdint.h>

#include "replication/wire/wire.h"

/* Functions that return int answer 0 or a negative errno, and have logged it. */

struct estate_source;

struct estate_source_ops {
	/* A first copy begins: everything is to be told again. */
	void (*renew)(struct estate_source *source);
	/* A boundary: what is told until the next one is as it is now. */
	int (*take)(struct estate_source *source);
	/* State of that kind; size 0: it is as it was told before. Valid until the next take. */
	void (*tell)(struct estate_source *source, enum wire_state_kind kind, const void **bytes,
	             uint32_t *size);
};

struct estate_source {
	const struct estate_source_ops *ops;
};

struct estate_heir;

struct estate_heir_ops {
	/* Keep that, in place of what was kept of its kind. */
	int (*keep)(struct estate_heir *heir, enum wire_state_kind kind, const void *bytes,
	            uint32_t size);
	/* The domain has its memory and state, and waits: give it what was kept. */
	int (*attach)(struct estate_heir *heir);
};

struct estate_heir {
	const struct estate_heir_ops *ops;
};

#endif
