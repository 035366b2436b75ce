/* A verb of remusctl: one file each. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_VERBS_VERB_H
#define TOOLSTACK_VERBS_VERB_H

#include <jansson.h>
#include <stdbool.h>

struct asked {
	const char *socket_path;
	bool is_json;
	/* Options of some verbs: */
	const char *to, *interval; /* NULL: not said */
	bool is_hasty, is_forced, is_confirmed, accepts_split_brain, is_following, is_once, is_live;
	const char *folder; /* of the reports of drills */
	int count;          /* words behind the verb */
	char **words;
};

/* run returns the exit status (toolstack/control/codes.h). */
struct verb {
	const char *name;
	const char *arguments;
	const char *help;
	int least, most;     /* words behind it */
	const char *options; /* letters of those that it takes (remusctl.c); NULL: none */
	int (*run)(const struct asked *asked);
};

extern const struct verb verb_activate, verb_doctor, verb_drill, verb_events, verb_failback,
	verb_fence, verb_list, verb_protect, verb_resync, verb_set, verb_status, verb_switchover,
	verb_top, verb_unprotect, verb_version;

/*
 * Asks remusd; with --json prints the reply as it is. A refusal is printed, to stderr for people. Returns the exit
 * status; *result is a new reference to what is left to print for people, or NULL if there is nothing.
 */
int verb_ask(const struct asked *asked, json_t *request, json_t **result); /* takes over request */

/* The same for what takes longer: waits for so many seconds. */
int verb_order(const struct asked *asked, json_t *request, unsigned int seconds, json_t **result);

/* Prints a reply that was made here as one from the daemon would be; takes it over. */
int verb_print(const struct asked *asked, json_t *reply, json_t **result);

#endif
