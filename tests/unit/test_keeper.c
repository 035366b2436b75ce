/* The hypervisor's watchdog is armed, fed by a process that outlives remusd and is replaced when it dies, and disarmed. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/keeper.c replication/daemon/feeder.c common/log.c */
/* libs: -lev */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/daemon/feeder.h"
#include "replication/daemon/keeper.h"

/* The hypervisor, shared with the processes that feed. */
static struct {
	volatile uint32_t seconds[2];
	volatile unsigned int fed;
} * hypervisor;

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *other,
                                unsigned int flags)
{
	return (xc_interface *)hypervisor;
}

int xc_watchdog(xc_interface *xc, uint32_t id, uint32_t seconds)
{
	if (!id && hypervisor->seconds[0] && hypervisor->seconds[1]) {
		errno = ENOSPC;
		return -1;
	}
	if (!id)
		id = hypervisor->seconds[0] ? 2 : 1;
	else if (!hypervisor->seconds[id - 1]) {
		errno = EINVAL;
		return -1;
	}
	hypervisor->seconds[id - 1] = seconds;
	hypervisor->fed++;
	return (int)id;
}

/* --- the process that feeds --- */

static pid_t feed(struct feeder feeder, int *input)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		dup2(pipes[0], STDIN_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		feeder_run(&feeder);
		_exit(0);
	}
	close(pipes[0]);
	*input = pipes[1];
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_it_is_fed_until_remusd_is_gone(void **state)
{
	const struct feeder feeder = { .id = 1, .seconds = 1, .linger = 300 };
	unsigned int fed;
	int input;
	pid_t pid;

	hypervisor->seconds[0] = 1;
	pid = feed(feeder, &input);
	for (fed = hypervisor->fed; hypervisor->fed < fed + 3;)
		usleep(1000);
	close(input);
	fed = hypervisor->fed;
	wait_for(pid);
	assert_true(hypervisor->fed >= fed + 2); /* as long as a lease may last */
	assert_int_equal(hypervisor->seconds[0], 0);
}

static void test_it_ends_when_disarmed(void **state)
{
	const struct feeder feeder = { .id = 2, .seconds = 1, .linger = 60000 };
	int input;
	pid_t pid;

	hypervisor->seconds[1] = 1;
	pid = feed(feeder, &input);
	assert_int_equal(write(input, "q", 1), 1);
	wait_for(pid);
	close(input);
	assert_int_equal(hypervisor->seconds[1], 1); /* it is armed anew, and another's */
	pid = feed(feeder, &input);
	hypervisor->seconds[1] = 0;
	wait_for(pid);
	close(input);
}

/* --- remusd's side --- */

static void test_a_feeder_that_dies_is_replaced(void **state)
{
	struct keeper keeper = { .loop = ev_default_loop(EVFLAG_AUTO) };
	pid_t first;

	strcpy(keeper.program, "/bin/cat"); /* fails: it has no such files */
	assert_int_equal(keeper_set(&keeper, 0, 900), 0);
	assert_int_equal(keeper_set(&keeper, 2, 900), 0);
	assert_int_equal(hypervisor->seconds[0], 2);
	assert_int_equal(keeper_set(&keeper, 2, 900), 0);
	assert_int_equal(hypervisor->seconds[1], 0);
	first = keeper.death.pid;
	while (keeper.death.pid == first)
		ev_run(keeper.loop, EVRUN_ONCE);
	assert_int_equal(hypervisor->seconds[0], 2);
	/* One that never lives is no reason to go on for ever. */
	while (keeper.seconds)
		ev_run(keeper.loop, EVRUN_ONCE);
	assert_int_equal(hypervisor->seconds[0], 0);
	assert_int_equal(keeper_set(&keeper, 5, 900), -ECHILD);
	keeper.started = 0.;
	assert_int_equal(keeper_set(&keeper, 5, 900), 0);
	assert_int_equal(hypervisor->seconds[0], 5);
	assert_int_equal(keeper_set(&keeper, 0, 900), 0);
	assert_int_equal(hypervisor->seconds[0], 0);
}

static void test_what_cannot_be_fed_is_not_armed(void **state)
{
	struct keeper keeper = { .loop = ev_default_loop(EVFLAG_AUTO) };

	strcpy(keeper.program, "/nowhere/remus-watchdog");
	assert_int_equal(keeper_set(&keeper, 2, 900), -ENOENT);
	assert_int_equal(hypervisor->seconds[0], 0);
	hypervisor->seconds[0] = hypervisor->seconds[1] = 9;
	assert_int_equal(keeper_set(&keeper, 2, 900), -ENOSPC);
}

static int set_up(void **state)
{
	memset((void *)hypervisor, 0, sizeof(*hypervisor));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_it_is_fed_until_remusd_is_gone, set_up),
		cmocka_unit_test_setup(test_it_ends_when_disarmed, set_up),
		cmocka_unit_test_setup(test_a_feeder_that_dies_is_replaced, set_up),
		cmocka_unit_test_setup(test_what_cannot_be_fed_is_not_armed, set_up),
	};

	signal(SIGPIPE, SIG_IGN);
	hypervisor = mmap(NULL, sizeof(*hypervisor), PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
