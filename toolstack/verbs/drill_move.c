/* A drill's second half: the VM goes to its other host and comes back. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   ORDER there -> RUNS there -> PROTECTED -> SETTLED -> ORDER back -> RUNS here -> PROTECTED
 *
 * Each step is one that the operator could order by hand; between two of them the VM is protected, or on the way to it by its
 * arbiters alone. So the drill may end, or be killed, after any of them: it has nothing to undo.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "toolstack/control/client.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/drill.h"

#define ORDER_PATIENCE 30u /* seconds */
#define RUN_PATIENCE   300.
#define SYNC_PATIENCE  7200. /* a first copy of all its memory and disks */
#define LOOK_MS        200
/* A standby's right to take over begins when its primary has heard that it is heard. */
#define SETTLE 6.

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void wait_a_moment(void)
{
	const struct timespec pause = { 0, LOOK_MS * 1000000L };

	nanosleep(&pause, NULL);
}

/* --- what is waited for: 1: so it is; 0: not yet; -1: it will not be, why tells --- */

struct goal {
	bool is_back;            /* the VM is to run here, not there */
	json_int_t generation;   /* that it is to have then */
	double until, lasts;     /* SETTLED: how long it has to be so */
	json_int_t acknowledged; /* at its beginning */
};

static const json_t *runner(const struct drill *drill, const struct goal *goal)
{
	return goal->is_back ? drill->here : drill->there;
}

static const json_t *other(const struct drill *drill, const struct goal *goal)
{
	return goal->is_back ? drill->there : drill->here;
}

static bool is_word(const json_t *told, const char *field, const char *word)
{
	return !strcmp(drill_word(told, field), word);
}

static bool is_protected(const json_t *told)
{
	return json_is_true(json_object_get(json_object_get(told, "arbiter"), "protected"));
}

/* The old host goes on with it: the switchover was called off. Its arbiter had time to begin. */
static bool is_called_off(const struct drill *drill, const struct goal *goal)
{
	const json_t *old = other(drill, goal);

	return now() > goal->until - RUN_PATIENCE + 5. && is_word(old, "role", "primary") &&
	       is_word(old, "state", "replicating") && is_protected(old) &&
	       drill_number(old, "generation") < goal->generation;
}

static int runs(struct drill *drill, const struct goal *goal)
{
	const json_t *told = runner(drill, goal);
	const char *state = drill_arbiter(told, "state");

	if (is_called_off(drill, goal)) {
		snprintf(drill->why, sizeof(drill->why),
		         "the switchover was called off: remusctl events, on both hosts");
		return -1;
	}
	return is_word(told, "role", "primary") &&
	       drill_number(told, "generation") >= goal->generation &&
	       (!strcmp(state, "solo") || !strcmp(state, "entering") ||
	        !strcmp(state, "replicating"));
}

static int is_in_sync(struct drill *drill, const struct goal *goal)
{
	const json_t *told = runner(drill, goal), *copy = other(drill, goal);

	return is_word(told, "role", "primary") && is_word(told, "state", "replicating") &&
	       is_protected(told) && is_word(copy, "state", "ready") && is_protected(copy);
}

static int is_settled(struct drill *drill, const struct goal *goal)
{
	if (!is_in_sync(drill, goal)) {
		snprintf(drill->why, sizeof(drill->why), "it did not stay protected");
		return -1;
	}
	return goal->until - now() < SYNC_PATIENCE - goal->lasts &&
	       drill_number(runner(drill, goal), "acknowledged") > goal->acknowledged;
}

/* --- a step --- */

/* A host that does not answer for a moment is asked again: it has much to do just then. */
static bool wait_for(struct drill *drill, struct goal *goal, double patience,
                     int (*is_reached)(struct drill *drill, const struct goal *goal))
{
	int found = 0;

	goal->until = now() + patience;
	while (!found && !drill_is_interrupted(drill) && now() < goal->until) {
		if (drill_look(drill)) {
			drill->why[0] = 0;
			found = is_reached(drill, goal);
		}
		if (!found)
			wait_a_moment();
	}
	if (!found && !drill_is_interrupted(drill) && !*drill->why)
		snprintf(drill->why, sizeof(drill->why), "it took longer than %.0f s", patience);
	return found > 0;
}

static void note(struct drill *drill, const struct goal *goal, const char *code, const char *text,
                 double began, bool is_done)
{
	const json_t *told = runner(drill, goal);
	double seconds = now() - began;

	json_array_append_new(json_object_get(drill->report, "steps"),
	                      json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I}", "code", code, "text",
	                                text, "ok", is_done, "ms", (json_int_t)(seconds * 1000),
	                                "generation", drill_number(told, "generation"), "round",
	                                drill_number(json_object_get(told, "arbiter"), "round"),
	                                "epoch", drill_number(told, "epoch")));
	if (!drill->asked->is_json)
		printf("  %-7s %8.1f s  %s\n", is_done ? "done" : "FAILED", seconds, text);
	fflush(stdout);
}

static bool order(struct drill *drill)
{
	json_t *request, *reply;
	const json_t *error;

	if (drill_is_interrupted(drill))
		return false;
	request = json_pack("{s:s, s:s}", "verb", "switchover", "vm", drill->vm);
	reply = control_ask(drill->asked->socket_path, request, ORDER_PATIENCE);
	control_result(reply, &error);
	if (error)
		snprintf(drill->why, sizeof(drill->why), "%s", drill_word(error, "message"));
	json_decref(request);
	json_decref(reply);
	return !error;
}

/* One way. Times are from the order on. */
static bool go(struct drill *drill, bool is_back)
{
	struct goal goal = { .is_back = is_back,
		             .generation = drill_number(drill->here, "generation") + 1,
		             .lasts = SETTLE };
	double began = now();
	bool is_done = order(drill);

	note(drill, &goal, "ordered",
	     is_back ? "it is ordered back" : "it is ordered to the other host", began, is_done);
	if (!is_done)
		return false;
	is_done = wait_for(drill, &goal, RUN_PATIENCE, runs);
	note(drill, &goal, "runs",
	     is_back ? "it runs on this host again" : "it runs on the other host", began, is_done);
	if (!is_done)
		return false;
	is_done = wait_for(drill, &goal, SYNC_PATIENCE, is_in_sync);
	note(drill, &goal, "protected", "it is protected again", began, is_done);
	if (!is_done)
		return false;
	goal.acknowledged = drill_number(runner(drill, &goal), "acknowledged");
	is_done = wait_for(drill, &goal, SYNC_PATIENCE, is_settled);
	note(drill, &goal, "settled", "it has stayed so, and its epochs are acknowledged", began,
	     is_done);
	return is_done;
}

bool drill_move(struct drill *drill)
{
	return go(drill, false) && go(drill, true);
}
