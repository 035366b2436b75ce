/* A confined worker is killed by a system call it has no right to. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/main/confine.c replication/main/capabilities.c */
/* libs: -lseccomp */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/main/confine.h"

/* End without the calls that sanitizers make of their own. */
static void end(int status)
{
	syscall(SYS_exit_group, status);
}

/* The status of a confined child that does this. */
static int confined(void (*act)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		if (confine_calls())
			end(2);
		act();
		end(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void do_nothing(void)
{
}

static void do_allowed(void)
{
	if (getpid() < 0 || write(-1, "", 0) == 0 || socket(AF_UNIX, SOCK_DGRAM, 0) < 0 ||
	    accept4(-1, NULL, NULL, 0) == 0 || shutdown(-1, SHUT_RDWR) == 0)
		end(1);
}

static void open_network(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void trace(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void make_process(void)
{
	fork();
}

static void type_at_terminal(void)
{
	ioctl(0, TIOCSTI, "x");
}

static void allowed_calls_work(void **state)
{
	(void)state;
	assert_int_equal(confined(do_nothing), 0);
	assert_int_equal(confined(do_allowed), 0);
}

static void forbidden_calls_kill(void **state)
{
	static void (*const acts[])(void) = { open_network, run_program, trace, make_process,
		                              type_at_terminal };

	(void)state;
	for (unsigned int i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = confined(acts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void capabilities_are_gone(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0) {
		if (geteuid())
			_exit(0);
		if (confine_capabilities())
			_exit(2);
		/* Root without CAP_SETUID cannot become another. */
		_exit(setuid(1) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allowed_calls_work),
		cmocka_unit_test(forbidden_calls_kill),
		cmocka_unit_test(capabilities_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
