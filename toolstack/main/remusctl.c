/* remusctl: what an operator types. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the verb and hands it what follows. What each prints and how it ends: docs/control.md.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/drill.h"
#include "toolstack/verbs/verb.h"

static const struct verb *const verbs[] = {
	&verb_doctor,   &verb_list,  &verb_status, &verb_top,       &verb_events,
	&verb_protect,  &verb_set,   &verb_resync, &verb_unprotect, &verb_switchover,
	&verb_failback, &verb_drill, &verb_fence,  &verb_activate,  &verb_version,
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(FILE *to)
{
	fprintf(to, "usage: remusctl [--json] VERB ...\n\n");
	for (unsigned int i = 0; i < VERB_COUNT; i++)
		fprintf(to, "  %-10s %-15s %s\n", verbs[i]->name, verbs[i]->arguments,
		        verbs[i]->help);
	fprintf(to, "  %-10s %-15s %s\n", "help", "", "this list");
	fprintf(to, "\n  --json         for machines: replies as docs/control.md describes them\n"
	            "  --socket PATH  ask the daemon there instead of at " CONTROL_SOCKET "\n"
	            "\n  protect:   --interval MS  the longest that output is held for an epoch\n"
	            "             --no-wait      do not show the first copy, nor wait for its end\n"
	            "             --accept-split-brain  without quorum device and fence agent\n"
	            "  unprotect: --force        even if the other host cannot be told\n"
	            "  top:       --once         one look, as it is without a terminal\n"
	            "  set:       interval=MS budget=PAGES memory=MIB exempt=ETHERTYPES\n"
	            "  drill:     --live         it goes to its other host, and comes back\n"
	            "  events:    --follow       and what happens from now on\n"
	            "  activate:  --confirm      the other copy does not run, and never will\n"
	            "  fence:     --confirm      the other host is off\n");
}

static const struct verb *find(const char *name)
{
	for (unsigned int i = 0; i < VERB_COUNT; i++) {
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	}
	return NULL;
}

static int refuse(const struct asked *asked, const char *text, const char *word)
{
	json_t *result;

	return verb_print(asked,
	                  control_refusal(CONTROL_USAGE, "remusctl help", "%s%s", text, word),
	                  &result);
}

/* given: the letters of the options that were. */
static int run(const struct verb *verb, const struct asked *asked, const char *given)
{
	if (asked->count < verb->least)
		return refuse(asked, "it needs to be said what for: remusctl ", verb->name);
	if (asked->count > verb->most)
		return refuse(asked, "too much said: ", asked->words[verb->most]);
	if (given[strspn(given, verb->options ? verb->options : "")])
		return refuse(asked, "an option that is not for remusctl ", verb->name);
	return verb->run(asked);
}

/* Options may stand before or behind the verb. */
static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "to", required_argument, NULL, 't' },
	{ "interval", required_argument, NULL, 'i' },
	{ "no-wait", no_argument, NULL, 'n' },
	{ "once", no_argument, NULL, 'o' },
	{ "live", no_argument, NULL, 'L' },
	{ "force", no_argument, NULL, 'f' },
	{ "confirm", no_argument, NULL, 'c' },
	{ "accept-split-brain", no_argument, NULL, 'b' },
	{ "follow", no_argument, NULL, 'F' },
	{ NULL, 0, NULL, 0 },
};

/* Those of some verbs: what was said, and that it was. */
static void take_option(struct asked *asked, int option, char *given)
{
	const char letter[] = { (char)option, 0 };

	switch (option) {
	case 't':
		asked->to = optarg;
		break;
	case 'i':
		asked->interval = optarg;
		break;
	case 'o':
		asked->is_once = true;
		break;
	case 'L':
		asked->is_live = true;
		break;
	case 'n':
		asked->is_hasty = true;
		break;
	case 'f':
		asked->is_forced = true;
		break;
	case 'c':
		asked->is_confirmed = true;
		break;
	case 'F':
		asked->is_following = true;
		break;
	case 'b':
		asked->accepts_split_brain = true;
		break;
	}
	if (!strchr(given, option))
		strcat(given, letter);
}

int main(int argc, char **argv)
{
	char given[sizeof(options) / sizeof(options[0])] = "";
	struct asked asked = { .socket_path = CONTROL_SOCKET, .folder = DRILL_FOLDER };
	const struct verb *verb;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			asked.is_json = true;
		else if (option == 's')
			asked.socket_path = optarg;
		else if (option == 'h')
			return print_help(stdout), CONTROL_EXIT_DONE;
		else if (option != '?')
			take_option(&asked, option, given);
		else
			return refuse(&asked,
			              "no such option, or it lacks its value: ", argv[optind - 1]);
	}
	if (optind == argc)
		return print_help(stderr), CONTROL_EXIT_USAGE;
	if (!strcmp(argv[optind], "help"))
		return print_help(stdout), CONTROL_EXIT_DONE;
	verb = find(argv[optind]);
	if (!verb)
		return refuse(&asked, "no such verb: ", argv[optind]);
	asked.count = argc - optind - 1;
	asked.words = argv + optind + 1;
	return run(verb, &asked, given);
}
