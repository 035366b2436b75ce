/* A confined primary goes on with what it does; what it never does kills it, in all its threads. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/main/confine_primary.c replication/main/capabilities.c */
/* libs: -lseccomp -lpthread */

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/capability.h>

#include "replication/main/confine_primary.h"

/* End without the calls that sanitizers make of their own. */
static void end(int status)
{
	syscall(SYS_exit_group, status);
}

/* The status of a confined child that does this. */
static int confined(void (*act)(void))
{
	pid_t child;
	int status = 0;

	if (geteuid())
		skip(); /* only root has rights to give up */
	child = fork();
	if (child == 0) {
		if (confine_primary())
			end(2);
		act();
		end(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void *do_nothing(void *argument)
{
	return argument;
}

/* Its devices and images, the peer, memory, threads that encode. */
static void work(void)
{
	int null = open("/dev/null", O_RDWR), peer = socket(AF_INET, SOCK_STREAM, 0);
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	if (null < 0 || peer < 0 || memory == MAP_FAILED || write(null, "", 1) != 1 ||
	    pread(null, memory, 1, 0) != 0 || mlock(memory, 4096))
		end(1);
	if (pthread_create(&thread, NULL, do_nothing, NULL) || pthread_join(thread, NULL))
		end(1);
}

static void run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
}

static void trace(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void look_into_another(void)
{
	syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static void load_module(void)
{
	syscall(SYS_finit_module, -1, "", 0);
}

static void mount_something(void)
{
	mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static void make_namespace(void)
{
	syscall(SYS_unshare, 0);
}

static void *run_in_thread(void *argument)
{
	run_program();
	return argument;
}

static void run_program_by_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run_in_thread, NULL);
	pthread_join(thread, NULL);
}

static void what_it_does_goes_on(void **state)
{
	(void)state;
	assert_int_equal(confined(work), 0);
}

static void what_it_never_does_kills(void **state)
{
	void (*const acts[])(void) = { run_program,          trace,           look_into_another,
		                       load_module,          mount_something, make_namespace,
		                       run_program_by_thread };

	(void)state;
	for (unsigned int i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		int status = confined(acts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static bool may_have(int capability)
{
	return prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1;
}

static void look_at_rights(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 } };
	uint32_t kept = 1u << CAP_NET_ADMIN | 1u << CAP_IPC_LOCK | 1u << CAP_DAC_OVERRIDE |
	                1u << CAP_SYS_ADMIN;

	if (syscall(SYS_capget, &header, sets) || (sets[0].permitted & ~kept) ||
	    (sets[0].effective & ~kept) || sets[0].inheritable || sets[1].permitted)
		end(1);
	if (may_have(CAP_SETUID) || may_have(CAP_SYS_MODULE) || may_have(CAP_SYS_PTRACE))
		end(3);
	/* Root without CAP_SETUID cannot become another. */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || setuid(1) == 0)
		end(4);
}

static void rights_are_gone(void **state)
{
	(void)state;
	assert_int_equal(confined(look_at_rights), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_does_goes_on),
		cmocka_unit_test(what_it_never_does_kills),
		cmocka_unit_test(rights_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
