/* A fence agent, a program by the convention of Debian's fence-agents: run once, for one action. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_AGENT_AGENT_H
#define FENCING_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

/*
 * Options go to its stdin, NAME=VALUE a line, never on the command line, where others could read them; they are
 * never logged. What it prints is read up to AGENT_OUTPUT_MAX bytes; the rest is thrown away.
 */
#define AGENT_PROGRAM_SIZE 128
#define AGENT_OPTIONS_SIZE 2048
#define AGENT_OUTPUT_MAX   65536

struct agent {
	char program[AGENT_PROGRAM_SIZE]; /* "fence_ipmilan", in /usr/sbin; or an absolute path */
	char options
		[AGENT_OPTIONS_SIZE]; /* lines NAME=VALUE, each with its newline, without action= */
	uint32_t timeout; /* ms for one run, after which it and its children are killed; 0: 20 s */
	uint32_t retries; /* how often it is tried again after a failure */
	bool power_on;    /* a host that it has put off is put on again by it */
};

enum agent_action {
	AGENT_OFF,
	AGENT_ON,
	AGENT_STATUS,
	AGENT_MONITOR,  /* whether the device answers */
	AGENT_METADATA, /* a description in XML; needs no options */
};

const char *agent_action_name(enum agent_action action);

/* NULL, or what is wrong with its settings, in a sentence. */
const char *agent_refusal(const struct agent *agent);

/* How a run ended. status is the program's: of `status` 0 says on, 2 off; of the others 0 is success. It is -ETIME for
 * one that was killed for its time, -ECHILD for one that a signal ended, -errno if it could not be run. */
struct agent_end {
	int status;
	const char *output; /* what it printed on stdout, with a NUL, until done returns */
};

struct agent_run;
typedef void (*agent_done)(void *data, const struct agent_end *end);

/* Runs it. loop is the default loop. done is called once, from the loop. 0, -ENOMEM, or a negative errno of what a
 * process needs. */
int agent_start(struct ev_loop *loop, const struct agent *agent, enum agent_action action,
                agent_done done, void *data, struct agent_run **run);

/* Kills it, with its children; done is not called. */
void agent_stop(struct agent_run *run);

#endif
