/* Fencing: the agents of each host, one after the other, until one says that the host is off. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/agent/fencer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/states.h"

/*
 *    IDLE --> WAITING --> OFF --(succeeded)--> STATUS --(off)--> IDLE, or POWER_ON --> IDLE
 *             |  ^         |                   |  ^ |
 *             |  |     (failed)           (on) v  | | (on for too long, failed)
 *             |  |         |                LOOKING |
 *             |  `---------+------------------------'       the next try, or the next agent
 *             `--> IDLE, when no agent is left
 */
enum phase { IDLE, OFF, STATUS, LOOKING, WAITING, POWER_ON, PHASE_COUNT };

#define B STATE_BIT
static const struct state phases[PHASE_COUNT] = {
	[IDLE] = { "idle", B(WAITING) },
	[OFF] = { "off", B(STATUS) | B(WAITING) | B(IDLE) },
	[STATUS] = { "status", B(LOOKING) | B(WAITING) | B(POWER_ON) | B(IDLE) },
	[LOOKING] = { "looking", B(STATUS) | B(WAITING) | B(IDLE) },
	[WAITING] = { "waiting", B(OFF) | B(IDLE) },
	[POWER_ON] = { "on", B(IDLE) | B(WAITING) },
};
#undef B

#define STATUS_OFF 2    /* an agent's exit status: by convention 0 is on, 2 is off */
#define PAUSE      0.5  /* s before a next try, or a next look */
#define ON_AFTER   3.0  /* s from off to on: power supplies want it */
#define LOOK_FOR   20.0 /* s in which a host that was told off has to be seen off */

struct waiter {
	struct waiter *next;
	fencer_done done;
	void *data;
};

struct host {
	struct host *next;
	struct fencer *fencer;
	char name[FENCER_NAME_SIZE];
	struct agent agents[FENCER_AGENTS_MAX];
	unsigned int count, current, tries;
	struct machine machine;
	struct agent_run *run;
	ev_timer timer;
	ev_tstamp told_off; /* when `off` succeeded */
	struct waiter *waiters;
};

struct fencer {
	struct ev_loop *loop;
	struct host *hosts;
};

static struct host *find(const struct fencer *fencer, const char *name)
{
	struct host *host = fencer->hosts;

	while (host && strcmp(host->name, name))
		host = host->next;
	return host;
}

static bool is(const struct host *host, enum phase phase)
{
	return host->machine.current == phase;
}

static const struct agent *agent_of(const struct host *host)
{
	return &host->agents[host->current];
}

/* --- the end --- */

static void tell(struct host *host, bool is_off)
{
	struct waiter *waiter = host->waiters, *next;

	host->waiters = NULL;
	for (; waiter; waiter = next) {
		next = waiter->next;
		if (waiter->done)
			waiter->done(waiter->data, is_off);
		free(waiter);
	}
}

static void wait(struct host *host, enum phase phase, double seconds, const char *cause)
{
	machine_move(&host->machine, phase, cause);
	ev_timer_set(&host->timer, seconds, 0.);
	ev_timer_start(host->fencer->loop, &host->timer);
}

static void succeed(struct host *host)
{
	log_warning("host %s: it is off, %s says", host->name, agent_of(host)->program);
	if (agent_of(host)->power_on)
		wait(host, POWER_ON, ON_AFTER, "it was seen off");
	else
		machine_move(&host->machine, IDLE, "it was seen off");
	tell(host, true);
}

static void give_up(struct host *host)
{
	log_error("host %s: no fence agent has put it off", host->name);
	machine_move(&host->machine, IDLE, "no agent is left");
	tell(host, false);
}

static void fail(struct host *host, const char *cause)
{
	if (host->current < host->count && host->tries < agent_of(host)->retries) {
		host->tries++;
	} else {
		host->current++;
		host->tries = 0;
	}
	if (host->current >= host->count) {
		give_up(host);
		return;
	}
	wait(host, WAITING, PAUSE, cause);
}

/* --- runs --- */

static void log_failure(const struct host *host, const char *action, int status)
{
	const char *program = agent_of(host)->program;

	if (status < 0)
		log_error("host %s: %s, asked for %s: %s", host->name, program, action,
		          status == -ETIME ? "took too long" : strerror(-status));
	else
		log_error("host %s: %s, asked for %s, failed with status %d", host->name, program,
		          action, status);
}

static void on_looked(struct host *host, int status)
{
	bool is_on = status == 0;

	if (status == STATUS_OFF) {
		succeed(host);
		return;
	}
	if (is_on && ev_now(host->fencer->loop) < host->told_off + LOOK_FOR) {
		wait(host, LOOKING, PAUSE, "it is still on");
		return;
	}
	if (is_on)
		log_error("host %s: %s says that it is on after it was put off", host->name,
		          agent_of(host)->program);
	else
		log_failure(host, "status", status);
	fail(host, "it is not seen off");
}

static void run(struct host *host, enum agent_action action);

static void on_told_off(struct host *host, int status)
{
	if (status) {
		log_failure(host, "off", status);
		fail(host, "the agent failed");
		return;
	}
	host->told_off = ev_now(host->fencer->loop);
	machine_move(&host->machine, STATUS, "the agent succeeded");
	run(host, AGENT_STATUS);
}

static void on_end(void *data, const struct agent_end *end)
{
	struct host *host = data;

	host->run = NULL;
	if (is(host, OFF)) {
		on_told_off(host, end->status);
	} else if (is(host, STATUS)) {
		on_looked(host, end->status);
	} else {
		if (end->status)
			log_failure(host, "on", end->status);
		machine_move(&host->machine, IDLE, "it was put on again");
	}
}

static void run(struct host *host, enum agent_action action)
{
	int err = agent_start(host->fencer->loop, agent_of(host), action, on_end, host, &host->run);
	struct agent_end end = { .status = err, .output = "" };

	if (err)
		on_end(host, &end);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct host *host = timer->data;
	bool has_agent = host->current < host->count; /* or they were taken away meanwhile */

	(void)loop;
	(void)events;
	if (is(host, POWER_ON) && has_agent) {
		log_info("host %s: is put on again", host->name);
		run(host, AGENT_ON);
	} else if (is(host, POWER_ON)) {
		machine_move(&host->machine, IDLE, "no agent is left");
	} else if (!has_agent) {
		give_up(host);
	} else if (is(host, WAITING)) {
		machine_move(&host->machine, OFF, "an agent is asked");
		run(host, AGENT_OFF);
	} else {
		machine_move(&host->machine, STATUS, "the next look");
		run(host, AGENT_STATUS);
	}
}

static void stop(struct host *host)
{
	ev_timer_stop(host->fencer->loop, &host->timer);
	if (host->run)
		agent_stop(host->run);
	host->run = NULL;
}

/* --- for guards --- */

int fencer_open(struct ev_loop *loop, struct fencer **result)
{
	struct fencer *fencer = calloc(1, sizeof(*fencer));

	if (!fencer)
		return -ENOMEM;
	fencer->loop = loop;
	*result = fencer;
	return 0;
}

void fencer_close(struct fencer *fencer)
{
	struct host *host = fencer->hosts, *next;

	for (; host; host = next) {
		next = host->next;
		stop(host);
		while (host->waiters) {
			struct waiter *waiter = host->waiters;

			host->waiters = waiter->next;
			free(waiter);
		}
		free(host);
	}
	free(fencer);
}

static struct host *add(struct fencer *fencer, const char *name)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->fencer = fencer;
	strcpy(host->name, name);
	machine_init(&host->machine, phases, IDLE, host->name);
	ev_timer_init(&host->timer, on_timer, PAUSE, 0.);
	host->timer.data = host;
	host->next = fencer->hosts;
	fencer->hosts = host;
	return host;
}

int fencer_set(struct fencer *fencer, const char *name, const struct agent *agents,
               unsigned int count)
{
	struct host *host = find(fencer, name);

	if (count > FENCER_AGENTS_MAX)
		return -E2BIG;
	for (unsigned int i = 0; i < count; i++) {
		if (agent_refusal(&agents[i]))
			return -EINVAL;
	}
	if (!host && strlen(name) < sizeof(host->name))
		host = add(fencer, name);
	if (!host)
		return strlen(name) < sizeof(host->name) ? -ENOMEM : -EINVAL;
	for (unsigned int i = 0; i < count; i++)
		host->agents[i] = agents[i];
	host->count = count;
	return 0;
}

bool fencer_has(const struct fencer *fencer, const char *name)
{
	const struct host *host = find(fencer, name);

	return host && host->count;
}

int fencer_fence(struct fencer *fencer, const char *name, fencer_done done, void *data)
{
	struct host *host = find(fencer, name);
	struct waiter *waiter;

	if (!host || !host->count)
		return -ENOENT;
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return -ENOMEM;
	*waiter = (struct waiter){ host->waiters, done, data };
	host->waiters = waiter;
	if (!is(host, IDLE) && !is(host, POWER_ON))
		return 0;
	stop(host);
	host->current = host->tries = 0;
	wait(host, WAITING, 0., "it is to be fenced");
	return 0;
}

void fencer_disown(struct fencer *fencer, const void *data)
{
	for (struct host *host = fencer->hosts; host; host = host->next) {
		for (struct waiter *waiter = host->waiters; waiter; waiter = waiter->next) {
			if (waiter->data == data)
				waiter->done = NULL;
		}
	}
}
