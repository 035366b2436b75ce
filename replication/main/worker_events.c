/* What a worker tells remusd by itself, on its control socket: beats, the first copy, the link. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/worker_events.h"

const char *const worker_beat_fields[] = { "#generation", "#round", "#number", "#heard", NULL };

void worker_events_init(struct worker_events *events, struct control_server *control,
                        const struct wire_hello *hello)
{
	*events = (struct worker_events){ .control = control, .hello = hello };
}

static void tell(struct worker_events *events, json_t *event)
{
	if (events->control && event)
		control_tell(events->control, event);
	else
		json_decref(event);
}

/* Their numbers fit: body_parse_beat() has looked. */
void worker_events_beat(struct worker_events *events, const struct wire_beat *beat)
{
	tell(events,
	     json_pack("{s:s, s:I, s:I, s:I, s:I}", "event", "beat", "generation",
	               (json_int_t)beat->generation, "round", (json_int_t)beat->round, "number",
	               (json_int_t)beat->number, "heard", (json_int_t)beat->heard));
}

static void tell_copy(struct worker_events *events, bool is_whole)
{
	tell(events, json_pack("{s:s, s:b, s:I, s:I}", "event", "synced", "ok", is_whole,
	                       "generation", (json_int_t)events->hello->generation, "round",
	                       (json_int_t)events->hello->round));
}

void worker_events_copy(struct worker_events *events, bool has_base, bool is_whole)
{
	if (is_whole && events->copy == WORKER_COPY_RUNS) {
		events->copy = WORKER_COPY_TOLD;
		tell_copy(events, true);
	} else if (has_base) {
		if (events->copy == WORKER_COPY_TOLD)
			tell_copy(events, false);
		events->copy = WORKER_COPY_RUNS;
	} else if (!is_whole && events->copy == WORKER_COPY_RUNS) {
		events->copy = WORKER_COPY_NONE;
		tell_copy(events, false);
	}
}

void worker_events_link(struct worker_events *events, const struct contact *contact)
{
	if (contact_is_up(contact) == events->is_up)
		return;
	events->is_up = contact_is_up(contact);
	tell(events, json_pack("{s:s, s:b, s:s}", "event", "link", "connected", events->is_up,
	                       "why", events->is_up ? "" : contact_why(contact)));
}

static bool parse(const json_t *request, const char *name, uint64_t *number)
{
	const json_t *value = json_object_get(request, name);

	*number = (uint64_t)json_integer_value(value);
	return value != NULL;
}

bool worker_events_parse(const json_t *request, struct wire_beat *beat)
{
	return parse(request, "generation", &beat->generation) &&
	       parse(request, "round", &beat->round) && parse(request, "number", &beat->number) &&
	       parse(request, "heard", &beat->heard);
}
