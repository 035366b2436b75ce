/* A domain's grant table into records and out of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_STATE_H
#define XEN_CORE_GRANT_STATE_H

#include "abi/checkpoint_state.h"
#include "domain/domain.h"

void grant_state_save(struct domain *domain, struct state_grants *grants, uint32_t frames);
void grant_state_save_frame(struct domain *domain, uint32_t index, void *to);

/* Whether each grant that others hold is made, by the loaded frames too: of the same page to the same domain. */
bool grant_state_fits(struct domain *domain, uint32_t count, const void *const *frames);

/* Contents, with the marks of who holds what here; where the guest has the frames is the caller's to
 * show. -ENOMEM. */
int grant_state_load(struct domain *domain, const struct state_grants *grants,
                     const void *const *frames);

#endif
