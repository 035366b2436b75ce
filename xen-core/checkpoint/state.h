/* A domain's state but its memory, as a chain of records (abi/checkpoint_state.h). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_STATE_H
#define XEN_CORE_CHECKPOINT_STATE_H

#include "domain/domain.h"

/* What a buffer has to hold: the domain may get more ports and grant frames before it is saved. */
struct state_room {
	uint32_t ports, frames;
	size_t size;
};
struct state_room state_room(const struct domain *domain);

struct state_writer {
	char *at;
	struct state_room room;
};

/*
 * Saving, in two parts: of a domain that is stopped (domain_stop), into a buffer with that room. Between
 * the two the pages are taken up that others write.
 */
void state_save_vcpus(struct domain *domain, struct state_writer *writer);
void state_save_rest(struct domain *domain, struct state_writer *writer);

/* All of a stopped domain's state. -EINVAL: records that do not belong together, or not to it; -EBUSY:
 * others hold its grants. Neither has changed anything; after -ENOMEM it is fit to be destroyed only. */
int state_load(struct domain *domain, const void *buffer, size_t size);

#endif
