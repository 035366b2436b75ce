/* What a protected VM's replication does in a second, from two looks at what remusd tells of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_VERBS_RATES_H
#define TOOLSTACK_VERBS_RATES_H

#include <jansson.h>
#include <stdbool.h>

/* Negative: not known. */
struct rates {
	double epochs; /* cut, a second */
	double pause;  /* of the VM, ms: the mean of these epochs */
	double wire;   /* bytes a second */
	double ratio;  /* what was captured, to what was sent */
};

/* before, now: of a VM, as `list` tells it; before may be NULL. False: now tells nothing newer, and *rates is as it was. */
bool rates_between(struct rates *rates, const json_t *before, const json_t *now);

extern const struct rates rates_unknown;

#define RATES_TEXT_SIZE 16
/* "-" if it is negative: "999", "12.3K", "4.0M" (1024). */
const char *rates_bytes(double bytes, char text[RATES_TEXT_SIZE]);
/* "-", or with so many digits behind the point. */
const char *rates_number(double value, int digits, char text[RATES_TEXT_SIZE]);

#endif
