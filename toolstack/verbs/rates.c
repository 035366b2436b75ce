/* What a protected VM's replication does in a second, from two looks at what remusd tells of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/verbs/rates.h"

#include <stdio.h>

const struct rates rates_unknown = { -1, -1, -1, -1 };

static const json_t *flow_of(const json_t *vm)
{
	return json_object_get(json_object_get(vm, "replication"), "flow");
}

/* By how much a counter has grown; negative: its worker was started anew, or it is not told. */
static double grown(const json_t *before, const json_t *now, const char *field)
{
	const json_t *old = json_object_get(before, field), *new = json_object_get(now, field);

	if (!json_is_integer(old) || !json_is_integer(new))
		return -1;
	return (double)(json_integer_value(new) - json_integer_value(old));
}

static double quotient(double dividend, double divisor)
{
	return dividend < 0 || divisor <= 0 ? -1 : dividend / divisor;
}

bool rates_between(struct rates *rates, const json_t *before, const json_t *now)
{
	const json_t *old = flow_of(before), *new = flow_of(now);
	double seconds = grown(old, new, "at") / 1000.;
	double cuts = grown(old, new, "cuts"), wire = grown(old, new, "wire_bytes");

	if (!new) {
		*rates = rates_unknown;
		return true;
	}
	if (!old || seconds < 0 || cuts < 0) {
		*rates = rates_unknown;
		return true;
	}
	if (seconds == 0)
		return false;
	rates->epochs = quotient(cuts, seconds);
	rates->pause = quotient(grown(old, new, "pauses_us") / 1000., cuts);
	rates->wire = quotient(wire, seconds);
	rates->ratio = quotient(grown(old, new, "captured_bytes"), wire);
	return true;
}

const char *rates_bytes(double bytes, char text[RATES_TEXT_SIZE])
{
	static const char units[] = "KMGT";
	int unit = -1;

	if (bytes < 0)
		return "-";
	while (bytes >= 1000 && unit < 3) {
		bytes /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, RATES_TEXT_SIZE, "%.0f", bytes);
	else
		snprintf(text, RATES_TEXT_SIZE, bytes < 99.95 ? "%.1f%c" : "%.0f%c", bytes,
		         units[unit]);
	return text;
}

const char *rates_number(double value, int digits, char text[RATES_TEXT_SIZE])
{
	if (value < 0)
		return "-";
	snprintf(text, RATES_TEXT_SIZE, "%.*f", digits, value);
	return text;
}
