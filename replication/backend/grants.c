/* Copies between our memory and pages that a guest granted, many to a call. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/grants.h"

#include <errno.h>

static xengnttab_grant_copy_segment_t *next_segment(struct grants *grants, int *err)
{
	*err = grants->count == GRANTS_BATCH_MAX ? grants_run(grants) : 0;
	return &grants->batch[grants->count++];
}

int grants_read(struct grants *grants, uint32_t ref, uint16_t offset, void *to, uint16_t length)
{
	int err;
	xengnttab_grant_copy_segment_t *segment = next_segment(grants, &err);

	*segment = (xengnttab_grant_copy_segment_t){
		.source.foreign = { .ref = ref, .offset = offset, .domid = grants->domid },
		.dest.virt = to,
		.len = length,
		.flags = GNTCOPY_source_gref,
	};
	return err;
}

int grants_write(struct grants *grants, uint32_t ref, uint16_t offset, const void *from,
                 uint16_t length)
{
	int err;
	xengnttab_grant_copy_segment_t *segment = next_segment(grants, &err);

	*segment = (xengnttab_grant_copy_segment_t){
		/* The interface has one pointer for both directions; this one is only read. */
		.source.virt = (void *)(uintptr_t)from,
		.dest.foreign = { .ref = ref, .offset = offset, .domid = grants->domid },
		.len = length,
		.flags = GNTCOPY_dest_gref,
	};
	return err;
}

int grants_run(struct grants *grants)
{
	unsigned int count = grants->count;

	grants->count = 0;
	if (count == 0)
		return 0;
	if (xengnttab_grant_copy(grants->handle, count, grants->batch))
		return -errno;
	for (unsigned int i = 0; i < count; i++) {
		if (grants->batch[i].status != GNTST_okay)
			return -EFAULT;
	}
	return 0;
}
