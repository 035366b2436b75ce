/* A domain's event channels into records and out of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_EVENT_STATE_H
#define XEN_CORE_EVENT_STATE_H

#include "abi/checkpoint_state.h"
#include "domain/domain.h"

/* Of the queues, which delivery changes at any time: what was read between two calls that give the same
 * even number is of one moment. 0 in the two-level form. */
uint64_t event_state_changes(const struct domain *domain);

bool event_state_is_fifo(const struct domain *domain);
uint32_t event_state_limit(const struct domain *domain); /* one more than the highest port number */
uint32_t event_state_ports(
	const struct domain *domain); /* how many ports there are to be told of */

void event_state_save(struct domain *domain, struct state_events *events);
/* At most `room` ports; to each other domain they wait for it, as if it had closed its end. */
void event_state_save_ports(struct domain *domain, struct state_ports *ports, uint32_t room);
void event_state_save_queues(const struct vcpu *vcpu, struct state_queues *queues);

/* Are the pages that the records name the domain's own memory? */
bool event_state_fits(struct domain *domain, const struct state_events *events);
bool event_state_queues_fit(struct vcpu *vcpu, const struct state_queues *queues);

/*
 * Into a stopped domain, whose ports are all closed first. Records have been checked: queues is an
 * array with one for each vCPU. Ends with all vCPUs told to look. -ENOMEM: the domain's ports are
 * lost.
 */
int event_state_load(struct domain *domain, const struct state_events *events,
                     const struct state_ports *ports, const struct state_queues *const *queues);

#endif
