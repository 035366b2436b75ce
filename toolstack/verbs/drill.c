/* remusctl drill VM [--live]: whether it could go to its other host; with --live it does, and comes back. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/verbs/drill.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE 10u

static json_t *time_now(void)
{
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

/* Who sits there: sudo tells whom it made root. */
static const char *who(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *user = name && *name ? NULL : getpwuid(getuid());

	if (name && *name)
		return name;
	return user ? user->pw_name : "root";
}

static json_t *begin_report(const struct drill *drill)
{
	char host[65] = "";

	gethostname(host, sizeof(host) - 1);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:[], s:[]}", "vm", drill->vm, "mode",
	                 drill->asked->is_live ? "live" : "checks only", "host", host, "who", who(),
	                 "began", time_now(), "checks", "steps");
}

static void end_report(const struct drill *drill, bool is_passed)
{
	const char *runs_on = "not known";

	if (!strcmp(drill_word(drill->here, "role"), "primary"))
		runs_on = drill_word(drill->report, "host");
	else if (!strcmp(drill_word(drill->there, "role"), "primary"))
		runs_on = drill_word(drill->here, "peer");
	json_object_set_new(drill->report, "ended", time_now());
	json_object_set_new(drill->report, "result", json_string(is_passed ? "passed" : "FAILED"));
	json_object_set_new(drill->report, "why", json_string(drill->why));
	json_object_set_new(drill->report, "peer", json_string(drill_word(drill->here, "peer")));
	json_object_set_new(drill->report, "runs_on", json_string(runs_on));
}

/* The refusal of a VM that is none of this host's; NULL: it may be drilled. Also the name of one that was told by its number. */
static json_t *refuse(struct drill *drill, json_t **kept)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "status", "vm", drill->vm);
	const json_t *error, *vm;

	*kept = control_ask(drill->asked->socket_path, request, PATIENCE);
	json_decref(request);
	vm = control_result(*kept, &error);
	if (error)
		return json_incref(*kept);
	drill->vm = vm_text(vm, "name");
	if (json_object_get(json_object_get(vm, "replication"), "arbiter"))
		return NULL;
	return control_refusal(CONTROL_WRONG_STATE, "docs/arbitration.md",
	                       "%s is not protected under an arbiter: nothing would hand it over",
	                       drill->vm);
}

static json_t *failure(const struct drill *drill, const char *path)
{
	char remedy[512];
	json_t *reply;

	snprintf(remedy, sizeof(remedy), "remusctl status %s; %s.txt", drill->vm, path);
	reply = control_refusal(CONTROL_FAILED, remedy, "the drill has failed: %s; it runs on %s",
	                        drill->why, drill_word(drill->report, "runs_on"));
	json_object_set(json_object_get(reply, "error"), "report", drill->report);
	return reply;
}

static int run_drill(struct drill *drill)
{
	const char *path;
	bool is_passed;
	json_t *result;

	drill->report = begin_report(drill);
	is_passed = drill_check(drill) && (!drill->asked->is_live || drill_move(drill));
	end_report(drill, is_passed);
	path = drill_keep(drill->report, drill->asked->folder);
	if (!is_passed)
		return verb_print(drill->asked, failure(drill, path), &result);
	if (drill->asked->is_json)
		return verb_print(drill->asked, control_success(json_incref(drill->report)),
		                  &result);
	if (!drill->asked->is_live)
		printf("%s could go to its other host. Nothing was moved: --live does that.\n",
		       drill->vm);
	else
		printf("the drill has passed: %s went to %s and came back\n", drill->vm,
		       drill_word(drill->here, "peer"));
	if (*path)
		printf("report: %s.txt, .json\n", path);
	return CONTROL_EXIT_DONE;
}

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

/* What is under way is told, and a report kept. A reader that goes away in the middle is no reason to stop. */
static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run(const struct asked *asked)
{
	struct drill drill = { .asked = asked,
		               .vm = asked->words[0],
		               .is_interrupted = &is_interrupted };
	json_t *kept = NULL, *refusal = refuse(&drill, &kept), *result;
	int status;

	catch_signals();
	if (refusal)
		status = verb_print(asked, refusal, &result);
	else
		status = run_drill(&drill);
	json_decref(drill.here);
	json_decref(drill.there);
	json_decref(drill.report);
	json_decref(kept);
	return status;
}

const struct verb verb_drill = {
	.name = "drill",
	.arguments = "VM",
	.help = "whether it could fail over; --live: it does",
	.least = 1,
	.most = 1,
	.options = "L",
	.run = run,
};
