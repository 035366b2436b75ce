/* Two hosts' daemons protect a VM with each other, as the operator decides. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/guarded_ward.c fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c tests/unit/fake_cluster.c replication/daemon/wards.c replication/daemon/watchdog.c replication/daemon/start_ward.c replication/daemon/save_ward.c replication/daemon/ward.c replication/daemon/primary_ward.c replication/daemon/standby_ward.c replication/daemon/leaving_ward.c replication/daemon/tell_ward.c replication/daemon/note_ward.c replication/daemon/orders.c replication/daemon/settings_ward.c replication/daemon/errand_ward.c replication/daemon/chronicle.c replication/daemon/checks.c replication/daemon/child.c replication/daemon/ledger.c replication/daemon/peers.c replication/daemon/program.c replication/daemon/protection.c replication/daemon/vm_config.c replication/daemon/worker_file.c replication/daemon/worker_link.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c fencing/agent/options.c replication/daemon/fences.c toolstack/control/answer.c toolstack/control/client.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c common/log.c common/states.c tests/unit/certificates.c tests/unit/fake_worker.c tests/unit/peer_config.c tests/unit/two_hosts.c replication/marks/marks_file.c common/exempt.c */
/* libs: -lxxhash -lpthread -lssl -lcrypto -lev -ljansson -lconfig */

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replication/marks/marks_file.h"
#include "tests/unit/two_hosts.h"
#include "toolstack/control/codes.h"

static void test_it_is_protected(void **state)
{
	struct stat facts;
	json_t *told;

	protect();
	told = wards_tell(a.wards, "web");
	assert_string_equal(text(told, "role"), "primary");
	assert_string_equal(text(told, "peer"), "b");
	assert_null(json_object_get(told, "alarm"));
	assert_int_equal(json_integer_value(json_object_get(told, "lag")), 2);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(told, "flow"), "held_frames")),
	                 12);
	assert_string_equal(text(told, "exempt"), "none");
	json_decref(told);
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"primary\""));
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"standby\""));
	assert_non_null(strstr(fake_host_read(&b.fake, "standby-web.xl"), "xenbr0"));
	assert_non_null(strstr(fake_host_read(&b.fake, "standby-web.json"), "\"shadow\""));
	assert_int_equal(stat(a.wards->first->paths.file, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

static void test_orders_that_make_no_sense(void **state)
{
	assert_string_equal(order(&a, "{\"verb\":\"protect\",\"vm\":\"mail\",\"to\":\"b\"}\n"),
	                    CONTROL_NO_SUCH_VM);
	assert_string_equal(order(&a, "{\"verb\":\"protect\",\"vm\":\"web\",\"to\":\"c\"}\n"),
	                    CONTROL_NO_SUCH_PEER);
	assert_string_equal(
		order(&a,
	              "{\"verb\":\"protect\",\"vm\":\"web\",\"to\":\"b\",\"interval\":\"0\"}\n"),
		CONTROL_USAGE);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"),
	                    CONTROL_NO_SUCH_VM);
	assert_string_equal(order(&a, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"),
	                    CONTROL_NO_SUCH_VM);
	protect();
	assert_string_equal(order(&a, PROTECT), CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"),
	                    CONTROL_WRONG_STATE);
	assert_string_equal(order(&b, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"),
	                    CONTROL_WRONG_STATE);
}

/* It is known by its UUID: its name may be another's as well. */
static void test_it_is_given_another_name(void **state)
{
	protect();
	fake_host_add(&a.fake, 3, "web", "98112233-4455-6677-8899-aabbccddeeff");
	fake_host_add(&a.fake, 7, "shop", WEB);
	for (ev_tstamp until = ev_time() + 1.5; ev_time() < until;)
		ev_run(loop, EVRUN_ONCE);
	assert_string_equal(state_of(&a), "replicating");
	assert_int_equal(wards_find(a.wards, "web")->is.domid, 7);
}

static void test_a_peer_that_is_not_there(void **state)
{
	daemon_close(&b);
	assert_string_equal(order(&a, PROTECT), CONTROL_NO_PEER);
	assert_string_equal(state_of(&a), "");
}

/* What its disk lacks is not known any more once anybody may change it. */
static void make_marks(const struct daemon *daemon)
{
	struct marks_disk disk = { .device = 51712, .sectors = 128 };
	uint64_t words[MARKS_BLOCK_WORDS] = { 0 };
	char path[MARKS_PATH_BYTES];

	assert_true(marks_parse_uuid(WEB, disk.vm));
	marks_path(path, daemon->fake.folder, &disk);
	assert_int_equal(marks_make(path, &disk, 1, words), 0);
}

static unsigned int count_marks(const struct daemon *daemon)
{
	char pattern[MARKS_PATH_BYTES];
	glob_t found;
	unsigned int count;

	snprintf(pattern, sizeof(pattern), "%s/*-51712", daemon->fake.folder);
	count = glob(pattern, 0, NULL, &found) ? 0 : (unsigned int)found.gl_pathc;
	globfree(&found);
	return count;
}

static void test_it_is_unprotected(void **state)
{
	protect();
	make_marks(&a);
	make_marks(&b);
	assert_int_equal(count_marks(&a) + count_marks(&b), 2);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	assert_string_equal(state_of(&a), "");
	UNTIL_STATE(&b, "");
	assert_string_equal(fake_host_read(&a.fake, "vms/web.json"), "");
	assert_string_equal(fake_host_read(&b.fake, "vms/web.json"), "");
	assert_string_equal(fake_host_read(&b.fake, "domain-7"), "");
	assert_string_not_equal(fake_host_read(&a.fake, "domain-7"), "");
	assert_int_equal(count_marks(&a) + count_marks(&b), 0);
	protect();
}

static void test_it_is_unprotected_without_its_peer(void **state)
{
	protect();
	daemon_close(&b);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"),
	                    CONTROL_NO_PEER);
	UNTIL_STATE(&a, "held");
	assert_string_equal(
		order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\",\"force\":\"yes\"}\n"), "");
	assert_string_equal(state_of(&a), "");
}

static void test_daemons_that_are_started_anew(void **state)
{
	protect();
	daemon_close(&a);
	daemon_open(&a);
	UNTIL_STATE(&a, "replicating");
	daemon_close(&b);
	UNTIL_STATE(&a, "held");
	daemon_open(&b);
	assert_string_equal(state_of(&b), "waiting");
	UNTIL_STATE(&b, "ready");
	UNTIL_STATE(&a, "replicating");
}

static void test_settings_change_while_it_is_protected(void **state)
{
	int first;

	protect();
	assert_string_equal(
		order(&a,
	              "{\"verb\":\"set\",\"vm\":\"web\",\"interval\":\"50\",\"memory\":\"64\"}\n"),
		"");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(a.reply, "result"), "interval")),
	                 50);
	assert_non_null(
		strstr(fake_host_read(&a.fake, "primary-web.output.set"), "\"interval_ms\": 50"));
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"interval\": 50"));
	/* The standby would go on so, and a worker that dies is followed by one that does. */
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"interval\": 50"));
	assert_non_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"memory\": 64"));
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"standby\""));
	first = pid_of(&a);
	kill(first, SIGKILL);
	UNTIL(pid_of(&a) && pid_of(&a) != first);
	assert_non_null(strstr(fake_host_read(&a.fake, "primary-web.json"), "\"kept_mib\": 64"));
	assert_true(has_happened(&a, "set"));
}

static const char *set(const struct daemon *daemon, const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "{\"verb\":\"set\",\"vm\":\"web\",%s}\n", what);
	return order((struct daemon *)(uintptr_t)daemon, line);
}

/* What is exempt holds through deaths of workers and of hosts, until it is taken back. */
static void test_exemptions(void **state)
{
	json_t *told;

	protect();
	assert_string_equal(set(&a, "\"exempt\":\"arp,0x88CC\""), "");
	assert_string_equal(text(json_object_get(a.reply, "result"), "exempt"), "arp,lldp");
	assert_non_null(strstr(fake_host_read(&a.fake, "primary-web.output.set"),
	                       "\"exempt\": \"arp,lldp\""));
	assert_non_null(
		strstr(fake_host_read(&a.fake, "primary-web.json"), "\"exempt\": \"arp,lldp\""));
	told = wards_tell(a.wards, "web");
	assert_string_equal(text(told, "exempt"), "arp,lldp");
	json_decref(told);
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"exempt\": \"arp,lldp\""));
	daemon_close(&a);
	daemon_open(&a);
	UNTIL_STATE(&a, "replicating");
	assert_string_equal(set(&a, "\"interval\":\"30\""), "");
	assert_string_equal(text(json_object_get(a.reply, "result"), "exempt"), "arp,lldp");
	daemon_close(&a);
	fake_host_take(&a.fake, 7);
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), "");
	fake_host_add(&b.fake, 7, "web", WEB);
	daemon_open(&a);
	UNTIL_STATE(&b, "replicating");
	assert_non_null(
		strstr(fake_host_read(&b.fake, "primary-web.json"), "\"exempt\": \"arp,lldp\""));
	assert_string_equal(set(&b, "\"exempt\":\"none\""), "");
	assert_non_null(
		strstr(fake_host_read(&b.fake, "primary-web.output.set"), "\"exempt\": \"none\""));
	assert_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "exempt"));
	UNTIL(!strstr(fake_host_read(&a.fake, "vms/web.json"), "exempt"));
}

/* The other host is believed no more than an operator. */
static void test_settings_of_a_peer_that_cannot_be(void **state)
{
	static const char *const wrong[] = { "ipv4", "arp,arp", "", "0x0800" };

	protect();
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *request = json_pack("{s:s, s:s, s:s, s:{s:i, s:i, s:i, s:s}}", "verb",
		                            "set", "vm", "web", "uuid", WEB, "settings", "interval",
		                            25, "budget", 16384, "memory", 256, "exempt", wrong[i]);
		json_t *reply = settings_keep(b.wards, "a", request);
		const json_t *error;

		control_result(reply, &error);
		assert_string_equal(text(error, "code"), CONTROL_BAD_REQUEST);
		json_decref(reply);
		json_decref(request);
	}
	assert_true(exempt_is_none(&wards_find(b.wards, "web")->is.settings.exempt));
}

static void test_settings_that_cannot_be(void **state)
{
	assert_string_equal(set(&a, "\"interval\":\"50\""), CONTROL_NO_SUCH_VM);
	protect();
	assert_string_equal(set(&a, "\"interval\":\"0\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"interval\":\"1001\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"interval\":\" 5\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"interval\":\"5x\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"interval\":\"5\",\"budget\":\"63\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"memory\":\"99999999999999999999\""), CONTROL_USAGE);
	assert_string_equal(set(&a, "\"interval\":\"5\",\"exempt\":\"ipv4\""), CONTROL_USAGE);
	assert_non_null(strstr(text(json_object_get(a.reply, "error"), "message"), "always held"));
	assert_string_equal(set(&a, "\"exempt\":\"\""), CONTROL_USAGE);
	assert_string_equal(set(&b, "\"exempt\":\"arp\""), CONTROL_WRONG_STATE);
	assert_string_equal(set(&b, "\"interval\":\"50\""), CONTROL_WRONG_STATE);
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"interval\": 25"));
	assert_string_equal(fake_host_read(&a.fake, "primary-web.output.set"), "");
}

/* A standby's host that is away for a while hears of it when it is back. */
static void test_settings_reach_a_standby_that_was_away(void **state)
{
	protect();
	daemon_close(&b);
	assert_string_equal(set(&a, "\"interval\":\"99\""), "");
	daemon_open(&b);
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"interval\": 99"));
}

static void test_the_copy_is_made_anew(void **state)
{
	int first;

	protect();
	first = pid_of(&a);
	assert_string_equal(order(&b, "{\"verb\":\"resync\",\"vm\":\"web\"}\n"),
	                    CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"resync\",\"vm\":\"mail\"}\n"),
	                    CONTROL_NO_SUCH_VM);
	assert_string_equal(order(&a, "{\"verb\":\"resync\",\"vm\":\"web\"}\n"), "");
	UNTIL(pid_of(&a) && pid_of(&a) != first);
	UNTIL_STATE(&a, "replicating");
	UNTIL_STATE(&b, "ready");
	assert_true(has_happened(&a, "resync"));
}

static void test_what_the_other_host_tells(void **state)
{
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", "tell", "vm", "web", "uuid", WEB);
	json_t *reply;
	const json_t *error, *result;

	protect();
	assert_string_equal(order(&a, "{\"verb\":\"peer\",\"vm\":\"web\"}\n"), "");
	result = json_object_get(a.reply, "result");
	assert_string_equal(text(result, "host"), "b");
	assert_string_equal(text(json_object_get(result, "replication"), "role"), "standby");
	/* Nobody else hears of it. */
	reply = errand_tell(b.wards, "c", request);
	control_result(reply, &error);
	assert_string_equal(text(error, "code"), CONTROL_NO_SUCH_VM);
	json_decref(reply);
	json_object_del(request, "uuid");
	reply = errand_tell(b.wards, "a", request);
	control_result(reply, &error);
	assert_string_equal(text(error, "code"), CONTROL_BAD_REQUEST);
	json_decref(reply);
	json_decref(request);
	/* Orders do not wait for such an answer. */
	daemon_ask(&a, "{\"verb\":\"peer\",\"vm\":\"web\"}\n");
	assert_string_equal(set(&a, "\"interval\":\"26\""), "");
	/* Only arbiters hand over. */
	assert_string_equal(order(&a, "{\"verb\":\"switchover\",\"vm\":\"web\"}\n"),
	                    CONTROL_WRONG_STATE);
	assert_string_equal(order(&b,
	                          "{\"verb\":\"switchover\",\"vm\":\"web\",\"here\":\"yes\"}\n"),
	                    CONTROL_WRONG_STATE);
	daemon_close(&b);
	assert_string_equal(order(&a, "{\"verb\":\"peer\",\"vm\":\"web\"}\n"), CONTROL_NO_PEER);
}

static void test_a_vm_that_does_not_run_is_an_alarm(void **state)
{
	json_t *told;

	protect();
	daemon_close(&a);
	fake_host_take(&a.fake, 7);
	daemon_open(&a);
	UNTIL_STATE(&a, "absent");
	told = wards_tell(a.wards, "web");
	assert_true(*text(told, "alarm"));
	json_decref(told);
	/* The guest was started again: by another number. */
	fake_host_add(&a.fake, 9, "web", WEB);
	UNTIL_STATE(&a, "replicating");
	UNTIL_STATE(&b, "ready");
	assert_string_not_equal(fake_host_read(&b.fake, "domain-9"), "");
	assert_string_equal(fake_host_read(&b.fake, "domain-7"), "");
}

static void test_workers_that_are_killed(void **state)
{
	int first;

	protect();
	first = pid_of(&a);
	kill(first, SIGKILL);
	UNTIL(pid_of(&a) && pid_of(&a) != first);
	UNTIL_STATE(&a, "replicating");
	first = pid_of(&b);
	kill(first, SIGKILL);
	UNTIL(pid_of(&b) && pid_of(&b) != first);
	UNTIL_STATE(&b, "ready");
	UNTIL_STATE(&a, "replicating");
	assert_non_null(strstr(fake_host_read(&b.fake, "xl.log"), "destroy 7"));
}

/* Host a dies; the operator has b go on; a comes back without the VM and becomes the standby. */
static void test_it_is_activated_and_protected_again(void **state)
{
	protect();
	daemon_close(&a);
	fake_host_take(&a.fake, 7);
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), "");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(b.reply, "result"), "generation")),
	                 2);
	assert_string_equal(state_of(&b), "unprotected");
	fake_host_add(&b.fake, 7, "web", WEB);
	daemon_open(&a);
	UNTIL_STATE(&a, "ready");
	UNTIL_STATE(&b, "replicating");
	UNTIL(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"standby\""));
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"generation\": 2"));
}

static void test_what_happens_is_kept(void **state)
{
	protect();
	assert_true(has_happened(&a, "protect") && has_happened(&a, "replicating"));
	assert_true(has_happened(&b, "ready") && !has_happened(&b, "protect"));
	assert_false(has_happened(&a, "held"));
	daemon_close(&b);
	UNTIL(has_happened(&a, "held"));
	daemon_close(&a);
	daemon_open(&a);
	assert_true(has_happened(&a, "held"));
	assert_string_equal(
		order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\",\"force\":\"yes\"}\n"), "");
	assert_true(has_happened(&a, "unprotect"));
}

static void lose_ledger(const struct daemon *daemon)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", daemon->fake.ledger);
	assert_int_equal(system(command), 0);
}

/* Nothing is promised that is not durable, on either host. */
static void test_files_that_cannot_be_written(void **state)
{
	lose_ledger(&b);
	assert_string_equal(order(&a, PROTECT), CONTROL_FAILED);
	UNTIL_STATE(&a, "");
	lose_ledger(&a);
	assert_string_equal(order(&a, PROTECT), CONTROL_FAILED);
	UNTIL_STATE(&a, "");
}

static void test_an_activation_that_is_refused(void **state)
{
	char path[96];

	protect();
	snprintf(path, sizeof(path), "%s/domain-7.late", b.fake.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), CONTROL_FAILED);
	assert_string_equal(state_of(&b), "ready");
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"standby\""));
}

static bool says(const struct daemon *daemon, const char *words)
{
	json_t *told = wards_tell(daemon->wards, "web");
	bool is_said = strstr(text(told, "why"), words) != NULL;

	json_decref(told);
	return is_said;
}

/* Two copies run: the old primary does not give way while it has one. */
static void test_an_old_primary_that_runs_does_not_give_way(void **state)
{
	protect();
	daemon_close(&a);
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), "");
	fake_host_add(&b.fake, 7, "web", WEB);
	daemon_open(&a);
	UNTIL_STATE(&a, "unprotected");
	UNTIL(says(&b, "a runs web, too"));
	UNTIL(says(&a, "b has gone on with web"));
	UNTIL(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"primary\""));
}

static void test_a_file_that_is_damaged(void **state)
{
	char path[112];
	FILE *file;

	snprintf(path, sizeof(path), "%s/web.json", a.fake.ledger);
	daemon_close(&a);
	file = fopen(path, "w");
	fputs("{", file);
	fclose(file);
	daemon_open(&a);
	assert_string_equal(state_of(&a), "broken");
	assert_string_equal(order(&a, PROTECT), CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	protect();
}

static void test_without_a_configuration(void **state)
{
	char away[112];

	daemon_close(&a);
	snprintf(away, sizeof(away), "%s.away", a.fake.config);
	assert_int_equal(rename(a.fake.config, away), 0);
	daemon_open(&a);
	assert_string_equal(order(&a, PROTECT), CONTROL_NO_CONFIG);
	assert_int_equal(rename(away, a.fake.config), 0);
	wards_reload(a.wards);
	protect();
}

#define WARDS_TEST(name) cmocka_unit_test_setup_teardown(name, hosts_set_up, hosts_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WARDS_TEST(test_it_is_protected),
		WARDS_TEST(test_orders_that_make_no_sense),
		WARDS_TEST(test_it_is_given_another_name),
		WARDS_TEST(test_a_peer_that_is_not_there),
		WARDS_TEST(test_it_is_unprotected),
		WARDS_TEST(test_it_is_unprotected_without_its_peer),
		WARDS_TEST(test_daemons_that_are_started_anew),
		WARDS_TEST(test_settings_change_while_it_is_protected),
		WARDS_TEST(test_settings_that_cannot_be),
		WARDS_TEST(test_exemptions),
		WARDS_TEST(test_settings_of_a_peer_that_cannot_be),
		WARDS_TEST(test_settings_reach_a_standby_that_was_away),
		WARDS_TEST(test_the_copy_is_made_anew),
		WARDS_TEST(test_what_the_other_host_tells),
		WARDS_TEST(test_a_vm_that_does_not_run_is_an_alarm),
		WARDS_TEST(test_workers_that_are_killed),
		WARDS_TEST(test_it_is_activated_and_protected_again),
		WARDS_TEST(test_what_happens_is_kept),
		WARDS_TEST(test_an_activation_that_is_refused),
		WARDS_TEST(test_files_that_cannot_be_written),
		WARDS_TEST(test_an_old_primary_that_runs_does_not_give_way),
		WARDS_TEST(test_a_file_that_is_damaged),
		WARDS_TEST(test_without_a_configuration),
	};

	fake_worker_main(argc, argv);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, hosts_begin, hosts_end);
}
