/* What a worker tells remusd by itself, on its control socket: beats, the first copy, the link. docs/workers.md */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_WORKER_EVENTS_H
#define REPLICATION_MAIN_WORKER_EVENTS_H

#include <stdbool.h>

#include "replication/main/contact.h"
#include "replication/wire/wire.h"
#include "toolstack/control/server.h"

/* How far the first copy is, as it was told. */
enum worker_copy {
	WORKER_COPY_NONE,
	WORKER_COPY_RUNS, /* not told: it has begun */
	WORKER_COPY_TOLD  /* told: there is one that can take over */
};

struct worker_events {
	struct control_server *control; /* NULL: nobody is told anything */
	const struct wire_hello *hello; /* of this worker: generation and round */
	enum worker_copy copy;
	bool is_up; /* as told */
};

void worker_events_init(struct worker_events *events, struct control_server *control,
                        const struct wire_hello *hello);

void worker_events_beat(struct worker_events *events, const struct wire_beat *beat);
/* After whatever may have changed it: has_base: a first copy is being made; is_whole: there is one that can take over. */
void worker_events_copy(struct worker_events *events, bool has_base, bool is_whole);
void worker_events_link(struct worker_events *events, const struct contact *contact);

/* The beat that a request holds. False: a number is missing. */
bool worker_events_parse(const json_t *request, struct wire_beat *beat);

/* The fields of a verb that is given a beat. */
extern const char *const worker_beat_fields[];

#endif
