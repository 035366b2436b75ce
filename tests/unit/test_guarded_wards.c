/* Two hosts' daemons protect a VM with each other, as their arbiters decide. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/guarded_ward.c fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c tests/unit/fake_cluster.c replication/daemon/wards.c replication/daemon/watchdog.c replication/daemon/start_ward.c replication/daemon/save_ward.c replication/daemon/ward.c replication/daemon/primary_ward.c replication/daemon/standby_ward.c replication/daemon/leaving_ward.c replication/daemon/tell_ward.c replication/daemon/note_ward.c replication/daemon/orders.c replication/daemon/settings_ward.c replication/daemon/errand_ward.c replication/daemon/chronicle.c replication/daemon/checks.c replication/daemon/child.c replication/daemon/ledger.c replication/daemon/peers.c replication/daemon/program.c replication/daemon/protection.c replication/daemon/vm_config.c replication/daemon/worker_file.c replication/daemon/worker_link.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c fencing/agent/options.c replication/daemon/fences.c toolstack/control/answer.c toolstack/control/client.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c common/log.c common/states.c tests/unit/certificates.c tests/unit/fake_worker.c tests/unit/peer_config.c tests/unit/two_hosts.c replication/marks/marks_file.c common/exempt.c */
/* libs: -lxxhash -lpthread -lssl -lcrypto -lev -ljansson -lconfig */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/fake_cluster.h"
#include "tests/unit/two_hosts.h"
#include "toolstack/control/codes.h"

static void test_arbiters_keep_the_lease(void **state)
{
	protect_with_arbiters();
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"),
	                    CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	assert_string_equal(state_of(&a), "");
	UNTIL_STATE(&b, "");
	assert_string_equal(fake_host_read(&a.fake, "primary-web.output"), "release");
}

static bool has_agent(const struct daemon *daemon)
{
	struct guard_status status;

	guard_status(wards_find(daemon->wards, "web")->guard, &status);
	return status.has_agent;
}

/* The agents of the configuration are the arbiters', from its next reading on; what both count on stays as it was. */
static void test_agents_of_the_configuration(void **state)
{
	protect_with_arbiters();
	assert_false(has_agent(&a) || has_agent(&b));
	change_config(
		&a, "; } );cert",
		"; agents = ( { program = \"/x\"; options = \"/nowhere/at/all\"; } ); } );cert");
	assert_non_null(strstr(a.wards->config_why, "agent /x: /nowhere/at/all: No such file"));
	assert_false(has_agent(&a));
	change_config(&a, "options = ./nowhere/at/all.;", "");
	change_config(&b, "; } );cert", "; agents = ( { program = \"/x\"; } ); } );cert");
	assert_string_equal(a.wards->config_why, "");
	assert_true(has_agent(&a) && has_agent(&b));
	for (ev_tstamp until = ev_time() + 4.; ev_time() < until;)
		ev_run(loop, EVRUN_ONCE);
	assert_true(is_protected(&a) && is_protected(&b));
	change_config(&a, "agents = .* } ); } );cert", "} );cert");
	assert_false(has_agent(&a));
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
}

static void wait_a_while(void)
{
	for (ev_tstamp until = ev_time() + 4.; ev_time() < until;)
		ev_run(loop, EVRUN_ONCE);
}

static json_int_t round_of(const struct daemon *daemon)
{
	return (json_int_t)wards_find(daemon->wards, "web")->is.round;
}

/* Its standby steps back first: the primary is never without an answer. */
static void test_the_copy_is_made_anew(void **state)
{
	json_int_t round;

	protect_with_arbiters();
	round = round_of(&a);
	assert_string_equal(order(&a, "{\"verb\":\"resync\",\"vm\":\"web\"}\n"), "");
	UNTIL(round_of(&a) > round && is_protected(&a) && is_protected(&b));
	assert_false(has_happened(&a, "standby-lost"));
	assert_true(has_happened(&b, "outdated"));
	assert_int_equal(wards_find(a.wards, "web")->is.generation, 1);
}

/* Beats go on, so the lease would: output must not wait for the next first copy. */
static void test_a_copy_is_lost(void **state)
{
	char path[160];
	json_int_t round;

	protect_with_arbiters();
	round = round_of(&a);
	snprintf(path, sizeof(path), "%s/primary-web.output.lost", a.fake.folder);
	fclose(fopen(path, "w"));
	UNTIL(round_of(&a) > round && is_protected(&a) && is_protected(&b));
	assert_true(has_happened(&a, "alone") && has_happened(&b, "outdated"));
}

static bool runs_at(const struct daemon *daemon, uint64_t generation)
{
	const struct ward *ward = wards_find(daemon->wards, "web");

	return ward && ward->is.role == PROTECTION_PRIMARY && ward->is.generation == generation &&
	       is_protected(&a) && is_protected(&b);
}

/* There as ordered where it runs; back as ordered where it is to run. */
static void test_it_is_handed_over_and_comes_back(void **state)
{
	allow_both_hosts();
	protect_with_arbiters();
	assert_string_equal(order(&a,
	                          "{\"verb\":\"switchover\",\"vm\":\"web\",\"here\":\"yes\"}\n"),
	                    CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"switchover\",\"vm\":\"web\"}\n"), "");
	UNTIL(runs_at(&b, 2));
	UNTIL_STATE(&a, "ready");
	wait_a_while();
	assert_string_equal(
		order(&a, "{\"verb\":\"switchover\",\"vm\":\"web\",\"here\":\"yes\"}\n"), "");
	UNTIL(runs_at(&a, 3));
	assert_true(has_happened(&a, "switchover") && has_happened(&b, "switchover"));
	assert_true(has_happened(&a, "took-over") && has_happened(&b, "took-over"));
}

/* Where output leaves by a lease the hypervisor resets a dom0 that hangs; nowhere else, and not for longer. */
static void test_the_watchdog(void **state)
{
	change_config(&a, "images = ", "cluster = { watchdog = 3000; }; images = ");
	change_config(&b, "images = ", "cluster = { watchdog = 3000; }; images = ");
	assert_int_equal(a.fake.watchdog, 0);
	protect_with_arbiters();
	assert_int_equal(a.fake.watchdog, 3);
	assert_int_equal(b.fake.watchdog, 0);
	wards_reload(a.wards);
	assert_int_equal(a.fake.watchdog, 3);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	UNTIL(a.fake.watchdog == 0);
}

static enum arbiter_state arbiter_of(const struct daemon *daemon)
{
	const struct ward *ward = wards_find(daemon->wards, "web");
	struct guard_status status = { .state = ARBITER_IDLE };

	if (ward->guard)
		guard_status(ward->guard, &status);
	return status.state;
}

static bool was_started(const struct daemon *daemon)
{
	return strstr(fake_host_read(&daemon->fake, "xl.log"), "start ");
}

/* After both hosts were off the one that ran it last starts it; not one that somebody has ended while its host was on. */
static void test_it_is_started_from_its_disk(void **state)
{
	char path[128];

	protect_with_arbiters();
	fake_cluster_set_alive(2, false);
	daemon_close(&b);
	guard_confirm_off(wards_find(a.wards, "web")->guard);
	UNTIL(arbiter_of(&a) == ARBITER_SOLO);
	daemon_close(&a);
	fake_host_take(&a.fake, 7);
	daemon_open(&a);
	UNTIL(has_happened(&a, "start-failed"));
	assert_false(was_started(&a));
	daemon_close(&a);
	snprintf(path, sizeof(path), "%s/web.ran", a.fake.folder);
	assert_int_equal(unlink(path), 0); /* as a boot does */
	snprintf(path, sizeof(path), "%s/start.fails", a.fake.folder);
	fclose(fopen(path, "w"));
	daemon_open(&a);
	UNTIL(was_started(&a));
	assert_int_equal(arbiter_of(&a), ARBITER_COLD);
	unlink(path); /* it is tried again */
	UNTIL(arbiter_of(&a) == ARBITER_SOLO);
	assert_non_null(strstr(fake_host_read(&a.fake, "domain-7"), "web"));
	UNTIL_STATE(&a, "unprotected");
	/* What it was started by goes with its protection. */
	assert_string_equal(
		order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\",\"force\":\"yes\"}\n"), "");
	assert_string_equal(fake_host_read(&a.fake, "vms/web.xl"), "");
}

/* Nobody orders it. */
static void test_the_standby_takes_over_by_itself(void **state)
{
	protect_with_arbiters();
	fake_cluster_set_alive(1, false);
	daemon_close(&a);
	fake_host_take(&a.fake, 7);
	UNTIL(wards_find(b.wards, "web")->is.role == PROTECTION_PRIMARY);
	UNTIL(!strcmp(fake_host_read(&b.fake, "standby-web.output"), "release"));
	UNTIL_STATE(&b, "unprotected");
	assert_true(has_happened(&b, "primary-lost") && has_happened(&b, "took-over"));
	UNTIL(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"generation\": 2"));
	/* Its old host returns, without the VM, and becomes the standby. */
	fake_host_add(&b.fake, 7, "web", WEB);
	fake_cluster_set_alive(1, true);
	daemon_open(&a);
	UNTIL(is_protected(&a) && is_protected(&b));
	UNTIL_STATE(&a, "ready");
	assert_int_equal(wards_find(a.wards, "web")->is.role, PROTECTION_STANDBY);
}

#define CLUSTER_TEST(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, hosts_set_up_cluster, hosts_tear_down_cluster)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CLUSTER_TEST(test_arbiters_keep_the_lease),
		CLUSTER_TEST(test_the_copy_is_made_anew),
		CLUSTER_TEST(test_a_copy_is_lost),
		CLUSTER_TEST(test_it_is_handed_over_and_comes_back),
		CLUSTER_TEST(test_the_standby_takes_over_by_itself),
		CLUSTER_TEST(test_agents_of_the_configuration),
		CLUSTER_TEST(test_the_watchdog),
		CLUSTER_TEST(test_it_is_started_from_its_disk),
	};

	fake_worker_main(argc, argv);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, hosts_begin, hosts_end);
}
