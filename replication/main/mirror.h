/* A guest and its shadow on the same host: epochs go straight from the one into the other. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_MIRROR_H
#define REPLICATION_MAIN_MIRROR_H

#include "replication/apply/apply.h"
#include "replication/capture/capture.h"
#include "replication/domain/shadow_memory.h"

struct mirror {
	struct hyper hyper;
	struct capture capture;
	struct apply apply;
	struct shadow_memory
		memory; /* open if old versions are wanted: they are compared with it */
	uint64_t epochs, pages, pages_most, old;
	uint64_t pause_sum, pause_most; /* ns */
};

/* All functions return 0 or a negative errno and have logged an error. */
int mirror_open(struct mirror *mirror, uint16_t source, uint16_t shadow,
                const struct capture_limits *limits);
int mirror_first(struct mirror *mirror); /* all memory */
int mirror_epoch(struct mirror *mirror); /* cut, capture, stage, commit */

/* Whether the shadow has what the source had at the last cut; -EILSEQ: it has not. */
int mirror_check(struct mirror *mirror);

void mirror_report(const struct mirror *mirror); /* one line of figures to stdout */
void mirror_close(struct mirror *mirror);

#endif
