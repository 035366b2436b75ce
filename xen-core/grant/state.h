/* A domain's grant table into records and out of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_STATE_H
#define XEN_CORE_GRANT_STATE_H

#include "abi/checkpoint_state.h"
#include "domain/domain.h"

void grant_state_save(struct domain *domain, struct state_grants *grants, uint32_t frames);
void grant_state_save_frame(struct domain *domain, uint32_t index, void *to);

bool grant_state_is_held(struct domain *domain); /* by others: it has grants in use */

/* Into a domain whose grants nobody holds: contents, without the marks of who used them; where
 * the guest has them is the caller's to show. -ENOMEM. */
int grant_state_load(struct domain *domain, const struct state_grants *grants,
                     const void *const *frames);

#endif
