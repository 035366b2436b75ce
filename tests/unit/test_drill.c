/* Drills between two hosts' daemons with real arbiters: passed, refused, and failed on the way. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/guarded_ward.c fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c tests/unit/fake_cluster.c replication/daemon/wards.c replication/daemon/watchdog.c replication/daemon/start_ward.c replication/daemon/save_ward.c replication/daemon/ward.c replication/daemon/primary_ward.c replication/daemon/standby_ward.c replication/daemon/leaving_ward.c replication/daemon/tell_ward.c replication/daemon/note_ward.c replication/daemon/orders.c replication/daemon/settings_ward.c replication/daemon/errand_ward.c replication/daemon/chronicle.c replication/daemon/checks.c replication/daemon/child.c replication/daemon/ledger.c replication/daemon/peers.c replication/daemon/program.c replication/daemon/protection.c replication/daemon/vm_config.c replication/daemon/worker_file.c replication/daemon/worker_link.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c fencing/agent/options.c replication/daemon/fences.c toolstack/verbs/drill.c toolstack/verbs/drill_look.c toolstack/verbs/drill_move.c toolstack/verbs/drill_report.c toolstack/verbs/ask.c toolstack/verbs/vm.c toolstack/control/answer.c toolstack/control/client.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c common/log.c common/states.c tests/unit/certificates.c tests/unit/fake_worker.c tests/unit/peer_config.c tests/unit/two_hosts.c replication/marks/marks_file.c common/exempt.c */
/* libs: -lxxhash -lpthread -lssl -lcrypto -lev -ljansson -lconfig */

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/two_hosts.h"
#include "toolstack/control/codes.h"
#include "toolstack/verbs/drill.h"

static int status;
static pid_t operator;
static bool has_ended;

static void on_end(struct ev_loop *on, ev_child *child, int events)
{
	ev_child_stop(on, child);
	status = WIFEXITED(child->rstatus) ? WEXITSTATUS(child->rstatus) : -1;
	has_ended = true;
}

static const char *path_in(const char *file)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", a.fake.folder, file);
	return path;
}

/* The operator is a process of its own, at host a; what it prints goes to a file. */
static void begin_drill(bool is_live)
{
	static char vm[] = "web";
	static char *words[] = { vm, NULL };
	static ev_child child;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct asked asked = { .socket_path = a.socket,
			               .folder = strdup(path_in("drills")),
			               .is_live = is_live,
			               .count = 1,
			               .words = words };
		int said = open(path_in("said"), O_CREAT | O_WRONLY | O_TRUNC, 0600);

		dup2(said, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
		status = verb_drill.run(&asked);
		fflush(stdout);
		_exit(status);
	}
	has_ended = false;
	ev_child_init(&child, on_end, pid, 0);
	ev_child_start(loop, &child);
	operator= pid;
}

static int drill(bool is_live)
{
	begin_drill(is_live);
	for (ev_tstamp until = ev_time() + 900.; !has_ended;) {
		assert_true(ev_time() < until);
		ev_run(loop, EVRUN_ONCE);
	}
	return status;
}

static const char *said(void)
{
	return fake_host_read(&a.fake, "said");
}

/* The newest report, of that suffix: its text. */
static char *report(const char *suffix)
{
	static char text[8192];
	char pattern[200];
	glob_t found;
	FILE *file;

	snprintf(pattern, sizeof(pattern), "%s/drills/web-*%s", a.fake.folder, suffix);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	file = fopen(found.gl_pathv[found.gl_pathc - 1], "r");
	memset(text, 0, sizeof(text));
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	globfree(&found);
	return text;
}

static const struct ward *web(const struct daemon *daemon)
{
	return wards_find(daemon->wards, "web");
}

static void test_without_live_nothing_is_moved(void **state)
{
	protect_with_arbiters();
	assert_int_equal(drill(false), CONTROL_EXIT_DONE);
	assert_non_null(strstr(said(), "Nothing was moved"));
	assert_null(strstr(said(), "FAILED"));
	assert_non_null(strstr(report(".txt"), "checks only"));
	assert_int_equal(web(&a)->is.generation, 1);
	assert_int_equal(web(&a)->is.role, PROTECTION_PRIMARY);
	assert_false(has_happened(&a, "switchover"));
}

static void test_there_and_back(void **state)
{
	json_t *kept;
	const json_t *step;

	allow_both_hosts();
	protect_with_arbiters();
	assert_int_equal(drill(true), CONTROL_EXIT_DONE);
	assert_non_null(strstr(said(), "the drill has passed"));
	assert_int_equal(web(&a)->is.role, PROTECTION_PRIMARY);
	assert_int_equal(web(&a)->is.generation, 3);
	assert_true(is_protected(&a) && is_protected(&b));
	assert_non_null(strstr(report(".txt"), "result   passed"));
	kept = json_loads(report(".json"), 0, NULL);
	assert_string_equal(text(kept, "result"), "passed");
	assert_string_equal(text(kept, "peer"), "b");
	assert_int_equal(json_array_size(json_object_get(kept, "steps")), 8);
	assert_int_equal(json_array_size(json_object_get(kept, "checks")), 8);
	step = json_array_get(json_object_get(kept, "steps"), 7);
	assert_string_equal(text(step, "code"), "settled");
	assert_int_equal(json_integer_value(json_object_get(step, "generation")), 3);
	assert_true(json_integer_value(json_object_get(step, "ms")) >= 6000);
	json_decref(kept);
}

/* The operator has enough of it when the VM is over there: it stays, protected, and there is a report. */
static void test_it_is_interrupted(void **state)
{
	allow_both_hosts();
	protect_with_arbiters();
	begin_drill(true);
	UNTIL(web(&b)->is.role == PROTECTION_PRIMARY && web(&b)->is.generation == 2);
	kill(operator, SIGINT);
	UNTIL(has_ended);
	assert_int_equal(status, CONTROL_EXIT_FAILED);
	assert_non_null(strstr(report(".txt"), "it was interrupted"));
	UNTIL(is_protected(&a) && is_protected(&b));
	assert_int_equal(web(&b)->is.generation, 2);
}

/* The copy cannot be activated: the VM goes on where it was, and is protected again. */
static void test_a_switchover_that_is_called_off(void **state)
{
	char path[96];

	allow_both_hosts();
	protect_with_arbiters();
	snprintf(path, sizeof(path), "%s/domain-7.late", b.fake.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(drill(true), CONTROL_EXIT_FAILED);
	assert_non_null(strstr(said(), "[failed]"));
	assert_non_null(strstr(report(".txt"), "result   FAILED"));
	assert_int_equal(web(&a)->is.role, PROTECTION_PRIMARY);
	UNTIL(is_protected(&a) && is_protected(&b));
	assert_int_equal(web(&a)->is.generation, 1);
}

static void test_a_host_that_does_not_answer(void **state)
{
	protect_with_arbiters();
	daemon_close(&b);
	assert_int_equal(drill(true), CONTROL_EXIT_FAILED);
	assert_non_null(strstr(said(), "both-hosts"));
	assert_false(has_happened(&a, "switchover"));
	assert_non_null(strstr(report(".json"), "FAILED"));
}

static void test_a_vm_without_an_arbiter(void **state)
{
	assert_int_equal(drill(true), CONTROL_EXIT_NO_VM);
	protect();
	assert_int_equal(drill(true), CONTROL_EXIT_STATE);
	assert_non_null(strstr(said(), "[wrong-state]"));
}

#define CLUSTER_TEST(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, hosts_set_up_cluster, hosts_tear_down_cluster)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CLUSTER_TEST(test_without_live_nothing_is_moved),
		CLUSTER_TEST(test_there_and_back),
		CLUSTER_TEST(test_it_is_interrupted),
		CLUSTER_TEST(test_a_switchover_that_is_called_off),
		CLUSTER_TEST(test_a_host_that_does_not_answer),
		cmocka_unit_test_setup_teardown(test_a_vm_without_an_arbiter, hosts_set_up,
		                                hosts_tear_down),
	};

	fake_worker_main(argc, argv);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, hosts_begin, hosts_end);
}
