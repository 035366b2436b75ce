/* Fence agents are run by the convention, in order, tried again, killed when late, and believed only when seen off. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/agent/fencer.c fencing/agent/agent.c fencing/agent/options.c common/states.c common/log.c */
/* libs: -lev */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fencing/agent/fencer.h"
#include "fencing/agent/options.h"

/* The agent keeps the host's power in the file "on" and a line for each run in "log", in the folder it is told. */
static const char script[] =
	"#!/bin/sh\n"
	"while read -r line; do\n"
	"	case $line in *=*) eval \"${line%%=*}='${line#*=}'\" ;; esac\n"
	"done\n"
	"echo \"$action$# $mark\" >>\"$folder/log\"\n"
	"[ -z \"$hang\" ] || { echo $$ >\"$folder/pid\"; sleep 60 & echo $! >\"$folder/child\"; wait; }\n"
	"case $action in\n"
	"off)\n"
	"	[ -z \"$broken\" ] || exit 1\n"
	"	[ -n \"$lies\" ] || rm -f \"$folder/on\" ;;\n"
	"on) touch \"$folder/on\" ;;\n"
	"status) [ -e \"$folder/on\" ] || exit 2 ;;\n"
	"metadata) head -c 200000 /dev/zero | tr '\\0' x ;;\n"
	"esac\n";

static char folder[64], program[96];
static struct ev_loop *loop;

static char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", folder, name);
	return text;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static const char *get(const char *name)
{
	static char text[4096];
	int fd = open(path(name), O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[got] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_fencer.XXXXXX");
	assert_non_null(mkdtemp(folder));
	put("agent", script, 0755);
	put("on", "", 0644);
	snprintf(program, sizeof(program), "%s/agent", folder);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "agent", "on", "log", "pid", "child", "options" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path(names[i]));
	return rmdir(folder);
}

static struct agent make(const char *options, uint32_t timeout, uint32_t retries)
{
	struct agent agent = { .timeout = timeout, .retries = retries };

	snprintf(agent.program, sizeof(agent.program), "%s", program);
	snprintf(agent.options, sizeof(agent.options), "folder=%s\n%s", folder, options);
	return agent;
}

static int answers, offs;

static void on_fenced(void *data, bool is_off)
{
	(void)data;
	answers++;
	offs += is_off;
	ev_break(loop, EVBREAK_ALL);
}

static void on_patience(struct ev_loop *ended, ev_timer *timer, int events)
{
	ev_break(ended, EVBREAK_ALL);
}

static void run_for(double seconds)
{
	ev_timer patience;

	ev_timer_init(&patience, on_patience, seconds, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &patience);
	ev_run(loop, 0);
	ev_timer_stop(loop, &patience);
}

static struct fencer *open_with(const struct agent *agents, unsigned int count)
{
	struct fencer *fencer;

	answers = offs = 0;
	assert_int_equal(fencer_open(loop, &fencer), 0);
	assert_int_equal(fencer_set(fencer, "b", agents, count), 0);
	return fencer;
}

static void it_is_off_when_seen_off(void **state)
{
	struct agent agent = make("", 60000, 0);
	struct fencer *fencer = open_with(&agent, 1);

	assert_true(fencer_has(fencer, "b"));
	assert_false(fencer_has(fencer, "c"));
	assert_int_equal(fencer_fence(fencer, "c", on_fenced, NULL), -ENOENT);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	assert_int_equal(answers, 0);
	run_for(60);
	assert_int_equal(answers, 2);
	assert_int_equal(offs, 2);
	/* One run for both, no word on the command line. */
	assert_string_equal(get("log"), "off0 \nstatus0 \n");
	fencer_close(fencer);
}

static void the_next_agent_is_asked(void **state)
{
	struct agent agents[] = { make("mark=1\nbroken=1\n", 60000, 1),
		                  make("mark=2\n", 60000, 0) };
	struct fencer *fencer = open_with(agents, 2);

	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	run_for(60);
	assert_int_equal(offs, 1);
	assert_string_equal(get("log"), "off0 1\noff0 1\noff0 2\nstatus0 2\n");
	fencer_close(fencer);
}

static void a_program_that_is_not_there_fails(void **state)
{
	struct agent agent = make("", 60000, 0);
	struct fencer *fencer;

	strcpy(agent.program, "/nowhere/fence_x");
	fencer = open_with(&agent, 1);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	assert_int_equal(answers, 0);
	run_for(60);
	assert_int_equal(answers, 1);
	assert_int_equal(offs, 0);
	fencer_close(fencer);
}

/* An agent that says "done" of a host that is on is not believed. */
static void a_lie_is_not_believed(void **state)
{
	struct agent agent = make("lies=1\n", 60000, 0);
	struct fencer *fencer = open_with(&agent, 1);

	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	run_for(2);
	assert_int_equal(answers, 0);
	unlink(path("on")); /* it took its time */
	run_for(60);
	assert_int_equal(offs, 1);
	fencer_close(fencer);
}

static void it_is_killed_with_its_children(void **state)
{
	struct agent agent = make("hang=1\n", 1000, 0);
	struct fencer *fencer = open_with(&agent, 1);
	pid_t child;

	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	run_for(60);
	assert_int_equal(answers, 1);
	assert_int_equal(offs, 0);
	child = (pid_t)atoi(get("child"));
	for (int i = 0; child && i < 500 && !kill(child, 0); i++)
		usleep(10000); /* until whoever inherited it has reaped it */
	assert_true(!child || kill(child, 0));
	fencer_close(fencer);
}

static void it_is_put_on_again(void **state)
{
	struct agent agent = make("", 60000, 0);
	struct fencer *fencer;

	agent.power_on = true;
	fencer = open_with(&agent, 1);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, NULL), 0);
	run_for(60);
	assert_int_equal(offs, 1);
	for (int i = 0; i < 60 && access(path("on"), F_OK); i++)
		run_for(0.5);
	assert_int_equal(access(path("on"), F_OK), 0);
	fencer_close(fencer);
}

static void nobody_is_told_after_disowning(void **state)
{
	struct agent agent = make("", 60000, 0);
	struct fencer *fencer = open_with(&agent, 1);
	int me, other;

	assert_int_equal(fencer_fence(fencer, "b", on_fenced, &me), 0);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, &other), 0);
	fencer_disown(fencer, &me);
	run_for(60);
	assert_int_equal(answers, 1);
	assert_int_equal(fencer_fence(fencer, "b", on_fenced, &me), 0);
	fencer_close(fencer); /* while it is asked for */
}

static size_t output_length;

static void on_end(void *data, const struct agent_end *end)
{
	assert_int_equal(end->status, 0);
	output_length = strlen(end->output);
	ev_break(loop, EVBREAK_ALL);
}

static void its_output_is_bounded(void **state)
{
	struct agent agent = make("", 60000, 0);
	struct agent_run *run;

	assert_int_equal(agent_start(loop, &agent, AGENT_METADATA, on_end, NULL, &run), 0);
	run_for(60);
	assert_int_equal(output_length, AGENT_OUTPUT_MAX);
}

static void bad_settings_are_refused(void **state)
{
	struct agent agent = make("", 0, 0);
	struct fencer *fencer = open_with(&agent, 1);

	assert_null(agent_refusal(&agent));
	strcpy(agent.options, "action=on\n");
	assert_non_null(agent_refusal(&agent));
	assert_int_equal(fencer_set(fencer, "b", &agent, 1), -EINVAL);
	strcpy(agent.options, "a=b\naction=on\n");
	assert_non_null(agent_refusal(&agent));
	strcpy(agent.options, "ip=x");
	assert_non_null(agent_refusal(&agent));
	strcpy(agent.options, "alone\nip=x\n");
	assert_non_null(agent_refusal(&agent));
	strcpy(agent.options, "=x\n");
	assert_non_null(agent_refusal(&agent));
	strcpy(agent.options, "");
	strcpy(agent.program, "../fence");
	assert_non_null(agent_refusal(&agent));
	assert_int_equal(fencer_set(fencer, "b", &agent, FENCER_AGENTS_MAX + 1), -E2BIG);
	fencer_close(fencer);
}

static void options_come_from_a_file_of_ours(void **state)
{
	struct agent agent = { .program = "fence_x" };
	char why[OPTIONS_WHY_SIZE] = "";
	char text[AGENT_OPTIONS_SIZE + 10];

	(void)state;
	put("options", "# the BMC of b\nip=192.0.2.9\n\npassword=s=1 2", 0600);
	assert_int_equal(options_read(&agent, path("options"), why), 0);
	assert_string_equal(agent.options, "ip=192.0.2.9\npassword=s=1 2\n");
	chmod(path("options"), 0640);
	assert_int_equal(options_read(&agent, path("options"), why), -EPERM);
	assert_non_null(strstr(why, "open to others"));
	chmod(path("options"), 0600);
	put("options", "password\n", 0600);
	assert_int_equal(options_read(&agent, path("options"), why), -EINVAL);
	assert_null(strstr(why, "password"));
	put("options", "action=off\n", 0600);
	assert_int_equal(options_read(&agent, path("options"), why), -EINVAL);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	memcpy(text, "a=", 2);
	put("options", text, 0600);
	assert_int_equal(options_read(&agent, path("options"), why), -E2BIG);
	unlink(path("options"));
	assert_int_equal(options_read(&agent, path("options"), why), -ENOENT);
	assert_int_equal(options_read(&agent, "/tmp", why), -EPERM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_off_when_seen_off),           TEST(the_next_agent_is_asked),
		TEST(a_program_that_is_not_there_fails), TEST(a_lie_is_not_believed),
		TEST(it_is_killed_with_its_children),    TEST(it_is_put_on_again),
		TEST(nobody_is_told_after_disowning),    TEST(its_output_is_bounded),
		TEST(bad_settings_are_refused),          TEST(options_come_from_a_file_of_ours),
	};

	loop = ev_default_loop(EVFLAG_AUTO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
