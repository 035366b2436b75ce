/* What there is to tell of a protected VM. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "replication/daemon/ward.h"

/* One word for what an operator wants to know first, and why it is an alarm (NULL: it is none). */
struct verdict {
	const char *state, *alarm;
};

static const struct {
	enum protection_role role;
	const char *worker; /* its word */
	struct verdict verdict;
} working[] = {
	{ PROTECTION_PRIMARY, "", { "starting", "it is not protected yet" } },
	{ PROTECTION_PRIMARY, "alone", { "connecting", "it is not protected yet" } },
	{ PROTECTION_PRIMARY, "base", { "copying", "it is not protected yet" } },
	{ PROTECTION_PRIMARY, "running", { "replicating", NULL } },
	{ PROTECTION_PRIMARY,
	  "waiting",
	  { "held", "its standby does not answer: output is held" } },
	{ PROTECTION_STANDBY, "", { "starting", NULL } },
	{ PROTECTION_STANDBY, "empty", { "empty", NULL } },
	{ PROTECTION_STANDBY, "base", { "receiving", NULL } },
	{ PROTECTION_STANDBY, "ready", { "ready", NULL } },
	{ PROTECTION_STANDBY, "broken", { "broken", "its copy cannot be used" } },
	{ PROTECTION_STANDBY, "active", { "active", NULL } },
};

static struct verdict judge_worker(const struct ward *ward)
{
	const char *word = ward_worker_state(ward);

	for (size_t i = 0; i < sizeof(working) / sizeof(working[0]); i++) {
		if (working[i].role == ward->is.role && !strcmp(working[i].worker, word))
			return working[i].verdict;
	}
	return (struct verdict){ "working", NULL };
}

static struct verdict judge(const struct ward *ward)
{
	switch (ward_state(ward)) {
	case WARD_ABSENT:
		return (struct verdict){ "absent", "it does not run on this host" };
	case WARD_NEW:
	case WARD_ASKING:
		return (struct verdict){ "unprotected", "there is no standby" };
	case WARD_WAITING:
		return (struct verdict){ "waiting", "its primary has not asked for a standby yet" };
	case WARD_BROKEN:
		return (struct verdict){ "broken", "what is known of it cannot be read" };
	case WARD_TAKING:
		return (struct verdict){ "taking-over", NULL };
	case WARD_LEAVING:
		return (struct verdict){ "leaving", NULL };
	default:
		return judge_worker(ward);
	}
}

const char *ward_verdict(const struct ward *ward, const char **alarm)
{
	struct verdict verdict = judge(ward);

	*alarm = verdict.alarm;
	return verdict.state;
}

static json_int_t number(const struct ward *ward, const char *field)
{
	return json_integer_value(json_object_get(ward->status, field));
}

static json_t *count(const json_t *counts, const char *field, json_int_t unit)
{
	return json_integer(json_integer_value(json_object_get(counts, field)) / unit);
}

/* What only grows while its worker lives: who asks twice has rates. */
static void add_flow(const struct ward *ward, json_t *told)
{
	const json_t *counts = json_object_get(ward->status, "counts");

	if (!counts)
		return;
	json_object_set_new(told, "flow",
	                    json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "at",
	                              (json_int_t)ward->status_ms, "cuts", count(counts, "cuts", 1),
	                              "pause_us", count(counts, "pause_ns", 1000),
	                              "pause_longest_us", count(counts, "pause_longest_ns", 1000),
	                              "pauses_us", count(counts, "pauses_ns", 1000),
	                              "captured_bytes", count(counts, "captured_bytes", 1),
	                              "wire_bytes", count(counts, "sent_bytes", 1), "held_bytes",
	                              count(counts, "held_bytes", 1), "held_frames",
	                              count(counts, "held_frames", 1)));
}

static void add_epochs(const struct ward *ward, json_t *told)
{
	if (!ward->status)
		return;
	json_object_set_new(told, "connected", json_boolean(ward_is_connected(ward)));
	if (number(ward, "round_trip_ns")) /* it is known after the first keepalive */
		json_object_set_new(told, "round_trip_us",
		                    json_integer(number(ward, "round_trip_ns") / 1000));
	if (ward_is(ward, PROTECTION_STANDBY)) {
		json_object_set_new(told, "epoch", json_integer(number(ward, "whole")));
		json_object_set_new(told, "lag",
		                    json_integer(number(ward, "whole") -
		                                 number(ward, "committed")));
		return;
	}
	json_object_set_new(told, "epoch", json_integer(number(ward, "cut")));
	json_object_set_new(told, "acknowledged", json_integer(number(ward, "acknowledged")));
	json_object_set_new(told, "lag",
	                    json_integer(number(ward, "cut") - number(ward, "acknowledged")));
	add_flow(ward, told);
	json_object_set_new(told, "held",
	                    json_boolean(json_is_true(json_object_get(ward->status, "held"))));
	if (ward->progress && !strcmp(ward_worker_state(ward), "base"))
		json_object_set_new(told, "progress",
		                    json_pack("{s:O, s:O, s:O*}", "sent",
		                              json_object_get(ward->progress, "sent"), "total",
		                              json_object_get(ward->progress, "total"), "disks",
		                              json_object_get(ward->progress, "disks")));
}

/* The most telling reason why it is not as it should be; "": none is known. */
static const char *reason(const struct ward *ward)
{
	const char *refusal = json_string_value(
		json_object_get(json_object_get(ward->refusal, "error"), "message"));
	const char *worker = json_string_value(json_object_get(ward->status, "why"));

	if (*ward->why)
		return ward->why;
	if (refusal)
		return refusal;
	return worker && !ward_is_connected(ward) ? worker : "";
}

/* What its guard knows, which decides. */
static void add_guard(const struct ward *ward, json_t *told)
{
	struct guard_status status;

	guard_status(ward->guard, &status);
	json_object_set_new(told, "arbiter",
	                    json_pack("{s:s, s:s, s:b, s:b, s:b, s:I}", "state", status.state_name,
	                              "told", ward->alarm ? ward->alarm : "", "quorate",
	                              status.is_quorate, "peer_present", status.is_peer_present,
	                              "protected", status.is_protected, "round",
	                              (json_int_t)status.record.right.round));
}

json_t *ward_tell(const struct ward *ward)
{
	struct verdict verdict = judge(ward);
	char exempt[EXEMPT_TEXT_SIZE];
	json_t *told = json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:i, s:I, s:{s:i, s:i}}", "role",
		protection_role_name(ward->is.role), "peer", ward->is.peer, "state", verdict.state,
		"why", reason(ward), "generation", (json_int_t)ward->is.generation, "interval",
		(json_int_t)ward->is.settings.interval, "budget",
		(json_int_t)ward->is.settings.budget, "memory",
		(json_int_t)ward->is.settings.memory, "exempt",
		exempt_write(&ward->is.settings.exempt, exempt), "disks", (int)ward->is.disk_count,
		"seconds", (json_int_t)(wards_now(ward->wards) - ward->since), "worker", "pid",
		ward->child.pid, "starts", (int)ward->child.starts);
	json_t *blockers = json_object_get(json_object_get(ward->refusal, "error"), "blockers");

	if (verdict.alarm)
		json_object_set_new(told, "alarm", json_string(verdict.alarm));
	if (blockers)
		json_object_set(told, "blockers", blockers);
	add_epochs(ward, told);
	if (ward->guard)
		add_guard(ward, told);
	return told;
}
