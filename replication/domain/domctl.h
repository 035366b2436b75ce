/* What dom0 asks of the hypervisor about a domain as `xl` would: that it stand still, how large it is. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_DOMCTL_H
#define REPLICATION_DOMAIN_DOMCTL_H

#include <stdint.h>

/* As `xl pause` and `xl unpause` do. 0 or a negative errno. */
int domctl_pause(uint16_t domain);
int domctl_unpause(uint16_t domain);

/* Bytes of memory; 0: not known. */
uint64_t domctl_bytes(uint16_t domain);

#endif
