/* Copies between our memory and pages that a guest granted, many to a call. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies rather than mappings: the hypervisor then knows exactly what was written (design D5).
 */

#ifndef REPLICATION_BACKEND_GRANTS_H
#define REPLICATION_BACKEND_GRANTS_H

#include <stdint.h>

#include <xengnttab.h>

/* Copies gathered before a call: enough for a full ring of whole pages. */
#define GRANTS_BATCH_MAX 512u

struct grants {
	xengnttab_handle *handle;
	uint16_t domid;
	unsigned int count;
	xengnttab_grant_copy_segment_t batch[GRANTS_BATCH_MAX];
};

/* Add one copy; offset + length is within a page. A full batch is run first. Returns as grants_run(). */
int grants_read(struct grants *grants, uint32_t ref, uint16_t offset, void *to, uint16_t length);
int grants_write(struct grants *grants, uint32_t ref, uint16_t offset, const void *from,
                 uint16_t length);

/* Do what was gathered. -EFAULT if the guest's grants did not allow one of the copies. */
int grants_run(struct grants *grants);

#endif
