/* What is kept of what happens to a protected VM, and said in the log. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log.h"
#include "replication/daemon/ward.h"

static const struct {
	const char *event;
	enum log_level level;
} alarms[ALARM_COUNT] = {
	[ALARM_PROTECTED] = { "protected", LOG_LEVEL_INFO },
	[ALARM_HELD] = { "standby-lost", LOG_LEVEL_WARNING },
	[ALARM_UNPROTECTED] = { "alone", LOG_LEVEL_WARNING },
	[ALARM_UNDECIDED] = { "undecided", LOG_LEVEL_ERROR },
	[ALARM_ALONE] = { "primary-lost", LOG_LEVEL_WARNING },
	[ALARM_TOOK_OVER] = { "took-over", LOG_LEVEL_WARNING },
	[ALARM_OUTDATED] = { "outdated", LOG_LEVEL_WARNING },
	[ALARM_DROPPED] = { "dropped", LOG_LEVEL_WARNING },
	[ALARM_FENCE_FAILED] = { "fence-failed", LOG_LEVEL_ERROR },
	[ALARM_STORE_FAILED] = { "store-failed", LOG_LEVEL_ERROR },
	[ALARM_TOO_LATE] = { "too-late", LOG_LEVEL_ERROR },
	[ALARM_START_FAILED] = { "start-failed", LOG_LEVEL_ERROR },
	[ALARM_SWITCH_FAILED] = { "switch-failed", LOG_LEVEL_WARNING },
	[ALARM_CONFLICT] = { "conflict", LOG_LEVEL_ERROR },
};

static void note(struct ward *ward, enum log_level level, const char *event, const char *text)
{
	const char *counter = ward_is(ward, PROTECTION_PRIMARY) ? "cut" : "whole";
	const struct happening happening = {
		.vm = ward->is.name,
		.event = event,
		.text = text,
		.generation = ward->is.generation,
		.round = ward->is.round,
		.epoch = (uint64_t)json_integer_value(json_object_get(ward->status, counter)),
	};
	const struct log_subject subject = { .vm = happening.vm,
		                             .event = event,
		                             .generation = happening.generation,
		                             .round = happening.round,
		                             .epoch = happening.epoch };

	chronicle_add(ward->wards->chronicle, &happening);
	log_about(&subject, level, "%s: %s%s%s", ward->who, event, *text ? ": " : "", text);
}

void ward_note(struct ward *ward, const char *event, const char *text)
{
	note(ward, LOG_LEVEL_INFO, event, text);
}

/* The arbiter tells neither of the two by itself. */
static void note_fenced(struct ward *ward)
{
	struct guard_status status;

	if (!ward->guard)
		return;
	guard_status(ward->guard, &status);
	if (status.is_fenced && !ward->is_off_noted)
		note(ward, LOG_LEVEL_WARNING, "fenced", "its other host is off");
	ward->is_off_noted = status.is_fenced;
}

void ward_note_state(struct ward *ward)
{
	const char *alarm, *state = ward_verdict(ward, &alarm);

	note_fenced(ward);
	if (ward_state(ward) == WARD_NEW || (ward->noted && !strcmp(ward->noted, state)))
		return;
	ward->noted = state;
	note(ward, alarm ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, state, alarm ? alarm : "");
}

void ward_note_alarm(struct ward *ward, enum alarm alarm)
{
	if (alarm < ALARM_COUNT)
		note(ward, alarms[alarm].level, alarms[alarm].event, alarm_name(alarm));
}
