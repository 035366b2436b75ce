/* Writes of dom0 to other domains' memory, found in dom0's map: told to the log of whose memory it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DOMAIN_FOREIGN_H
#define XEN_CORE_DOMAIN_FOREIGN_H

#include "domain/domain.h"

void domain_foreign_init(void);

/* dom0's foreign mappings are closed again, so that the next write of each is seen: when a log has begun. */
void domain_foreign_close(struct domain *mapper);

#endif
