/* The guest stops, its shadow goes on from there: the last epoch, the source's end, devices attached, the start. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_TAKE_OVER_H
#define REPLICATION_MAIN_TAKE_OVER_H

#include "replication/main/mirror.h"
#include "replication/estate/shadow.h"

/*
 * The source is paused, so that it does nothing that the shadow does not know of, and destroyed once the shadow has
 * been loaded. Until then an error lets the source go on; after it, the shadow is left paused for the operator to
 * look at, and *is_source_gone is set. Returns 0 or a negative errno, which was logged.
 */
int take_over(struct shadow *shadow, struct mirror *mirror, int is_checking, int *is_source_gone);

#endif
