/* Both workers in one loop, over real TLS, with a simulated VM and a simulated shadow: the way from first contact to takeover. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: common/log.c common/states.c replication/main/contact.c replication/main/primary_worker.c replication/main/standby_worker.c replication/main/worker_events.c replication/transport/channel.c replication/transport/queue.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/wire/body.c replication/wire/disk.c replication/wire/frame.c replication/wire/hello.c replication/wire/pages.c replication/encode/encode.c replication/encode/pool.c replication/encode/decode.c replication/encode/lines.c replication/epoch/pace.c replication/epoch/primary_states.c replication/epoch/standby_states.c replication/stage/stage.c replication/primary/collect.c replication/primary/flush.c replication/primary/in_flight.c replication/primary/primary.c replication/primary/push.c replication/standby/standby.c toolstack/control/answer.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c tests/sim/guest.c tests/sim/shadow.c tests/unit/certificates.c tests/unit/worker_pair.c common/exempt.c */
/* libs: -lev -lssl -lcrypto -llz4 -lxxhash -ljansson */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/transport/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/worker_pair.h"

static void epochs_go_over_and_output_leaves(void **state)
{
	struct pair *pair = *state;
	uint64_t epoch;

	wait_in_sync(pair);
	epoch = acked(pair);
	UNTIL(acked(pair) > epoch + 20);
	assert_true(pair->guest.is_holding);
}

static void the_standby_goes_on_where_the_world_last_saw_the_vm(void **state)
{
	struct pair *pair = *state;
	uint64_t whole;

	wait_in_sync(pair);
	world.is_quiet = true;
	pair->is_running = false;
	contact_close(pair->primary.contact); /* as if its host had died */
	pair->primary.contact = NULL;
	ev_timer_stop(pair->loop, &pair->primary.due);
	UNTIL(!standby_has_peer(pair->standby.standby));
	whole = standby_states_of(pair->standby.standby)->whole;
	assert_int_equal(standby_worker_activate(&pair->standby, 0), 0);
	assert_int_equal(pair->shadow.active, whole);
	shadow_check(&pair->shadow, guest_snapshot(&pair->guest, whole));
	assert_true(world.arrived <= pair->shadow.state.sent);
}

static void a_connection_that_breaks_is_made_again(void **state)
{
	struct pair *pair = *state;
	uint64_t base;

	wait_in_sync(pair);
	base = primary_states_of(pair->primary.primary)->base;
	for (int i = 0; i < 3; i++) {
		standby_lost(pair->standby.standby, "cut by the test");
		UNTIL(!contact_is_up(pair->primary.contact));
		UNTIL(contact_is_up(pair->primary.contact));
		wait_in_sync(pair);
	}
	/* With what was missing, not from zero. */
	assert_int_equal(primary_states_of(pair->primary.primary)->base, base);
}

static void a_standby_that_has_lost_everything_is_given_a_base(void **state)
{
	struct pair *pair = *state;
	uint64_t base;

	wait_in_sync(pair);
	base = primary_states_of(pair->primary.primary)->base;
	standby_worker_close(&pair->standby);
	UNTIL(primary_is(pair) == PRIMARY_WAITING);
	shadow_init(&pair->shadow);
	start_standby(pair);
	wait_in_sync(pair);
	assert_true(primary_states_of(pair->primary.primary)->base > base);
}

static void a_primary_worker_that_comes_back_takes_up_what_is_held(void **state)
{
	struct pair *pair = *state;

	wait_in_sync(pair);
	primary_worker_close(&pair->primary);
	guest_abandon(&pair->guest);
	UNTIL(!standby_has_peer(pair->standby.standby));
	start_primary(pair);
	wait_in_sync(pair);
}

/* --- the control socket, as remusctl would use it --- */

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int control = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(connect(control, (struct sockaddr *)&address, sizeof(address)), 0);
	return control;
}

static json_t *ask(struct pair *pair, const char *socket_name, const char *line)
{
	int control = dial(certificates_path(socket_name));
	char reply[4096];
	ssize_t size = -1;
	json_t *parsed;

	assert_int_equal(write(control, line, strlen(line)), strlen(line));
	UNTIL((size = read(control, reply, sizeof(reply) - 1)) > 0);
	close(control);
	parsed = json_loadb(reply, (size_t)size, 0, NULL);
	assert_non_null(parsed);
	return parsed;
}

static void assert_answer(struct pair *pair, const char *socket_name, const char *line,
                          const char *part, const char *key, const char *value)
{
	json_t *reply = ask(pair, socket_name, line);
	const char *got = json_string_value(json_object_get(json_object_get(reply, part), key));

	assert_non_null(got);
	assert_string_equal(got, value);
	json_decref(reply);
}

static void an_operator_sees_and_decides(void **state)
{
	struct pair *pair = *state;

	wait_in_sync(pair);
	assert_answer(pair, "primary.control", "{\"verb\":\"status\"}\n", "result", "vm", "web");
	assert_answer(pair, "standby.control", "{\"verb\":\"status\"}\n", "result", "role",
	              "standby");
	assert_answer(pair, "primary.control", "{\"verb\":\"release\"}\n", "error", "code",
	              "wrong-state");
	standby_worker_close(&pair->standby);
	UNTIL(primary_is(pair) == PRIMARY_WAITING);
	world.is_quiet = false;
	start_standby(pair);
	/* Nothing is there yet: it is refused, and the pair goes on. */
	assert_answer(pair, "standby.control", "{\"verb\":\"activate\"}\n", "error", "code",
	              "wrong-state");
	wait_in_sync(pair);
	primary_worker_close(&pair->primary);
	world.is_quiet = true;
	pair->is_running = false;
	json_decref(ask(pair, "standby.control", "{\"verb\":\"activate\"}\n"));
	assert_true(pair->shadow.active != 0);
	assert_answer(pair, "standby.control", "{\"verb\":\"activate\"}\n", "error", "code",
	              "wrong-state");
}

static void a_primary_is_released_by_hand(void **state)
{
	struct pair *pair = *state;
	uint64_t sent;

	wait_in_sync(pair);
	assert_int_equal(standby_outdate(pair->standby.standby), 0);
	standby_worker_close(&pair->standby);
	UNTIL(primary_is(pair) == PRIMARY_WAITING);
	start_standby(pair);
	standby_worker_close(&pair->standby);
	UNTIL(primary_is(pair) == PRIMARY_WAITING);
	world.standby = NULL;
	pair->is_running = false;
	start_standby(pair);
	contact_close(pair->standby.contact);
	pair->standby.contact = NULL;
	UNTIL(primary_is(pair) == PRIMARY_WAITING && !contact_is_up(pair->primary.contact));
	sent = pair->guest.state.sent;
	json_decref(ask(pair, "primary.control", "{\"verb\":\"release\"}\n"));
	UNTIL(primary_is(pair) == PRIMARY_ALONE);
	assert_int_equal(world.arrived, sent);
	assert_false(pair->guest.is_holding);
}

/* --- remusd, which supervises both --- */

struct watcher {
	int control;
	char text[65536];
	size_t used;
};

static void say(struct watcher *watcher, const char *line)
{
	assert_int_equal(write(watcher->control, line, strlen(line)), strlen(line));
}

/* Reads what has come; whether the text was among it since the beginning. */
static bool has_heard(struct watcher *watcher, const char *text)
{
	ssize_t got = read(watcher->control, watcher->text + watcher->used,
	                   sizeof(watcher->text) - 1 - watcher->used);

	if (got > 0)
		watcher->used += (size_t)got;
	watcher->text[watcher->used] = 0;
	return strstr(watcher->text, text);
}

static struct watcher *watch(struct pair *pair, const char *socket_name)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	watcher->control = dial(certificates_path(socket_name));
	say(watcher, "{\"verb\":\"watch\"}\n");
	UNTIL(has_heard(watcher, "{\"ok\":true"));
	watcher->used = 0;
	return watcher;
}

static void leave(struct watcher *watcher)
{
	close(watcher->control);
	free(watcher);
}

/* Both workers anew, for a round, with an arbiter. */
static void start_arbitrated(struct pair *pair)
{
	primary_worker_close(&pair->primary);
	standby_worker_close(&pair->standby);
	guest_abandon(&pair->guest);
	shadow_init(&pair->shadow);
	pair->is_arbitrated = true;
	pair->primary_settings.hello.round = pair->standby_settings.hello.round = 4;
	start_standby(pair);
	start_primary(pair);
}

static void remusd_hears_of_copies_and_links(void **state)
{
	struct pair *pair = *state;
	struct watcher *a, *b;

	start_arbitrated(pair);
	a = watch(pair, "primary.control");
	b = watch(pair, "standby.control");
	UNTIL(has_heard(a, "{\"event\":\"link\",\"connected\":true,\"why\":\"\"}\n"));
	UNTIL(has_heard(a, "{\"event\":\"synced\",\"ok\":true,\"generation\":1,\"round\":4}\n"));
	UNTIL(has_heard(b, "{\"event\":\"synced\",\"ok\":true,\"generation\":1,\"round\":4}\n"));
	a->used = b->used = 0;
	standby_lost(pair->standby.standby, "cut by the test");
	UNTIL(has_heard(a, "{\"event\":\"link\",\"connected\":false,\"why\":\""));
	wait_in_sync(pair);
	assert_false(has_heard(a, "synced")); /* it went on with what was there */
	leave(a);
	leave(b);
}

static void arbiters_talk_over_the_wire(void **state)
{
	struct pair *pair = *state;
	struct watcher *a, *b;

	start_arbitrated(pair);
	a = watch(pair, "primary.control");
	b = watch(pair, "standby.control");
	wait_in_sync(pair);
	say(a, "{\"verb\":\"beat\",\"generation\":1,\"round\":4,\"number\":17,\"heard\":16}\n");
	UNTIL(has_heard(
		b,
		"{\"event\":\"beat\",\"generation\":1,\"round\":4,\"number\":17,\"heard\":16}\n"));
	say(b,
	    "{\"verb\":\"beat\",\"generation\":1,\"round\":4,\"number\":9223372036854775807,\"heard\":17}\n");
	UNTIL(has_heard(a, "\"number\":9223372036854775807,\"heard\":17}\n"));
	a->used = 0;
	say(a, "{\"verb\":\"beat\",\"generation\":1,\"round\":4,\"number\":17}\n");
	UNTIL(has_heard(a, "bad-request"));
	standby_worker_close(&pair->standby);
	UNTIL(primary_is(pair) == PRIMARY_WAITING);
	a->used = 0;
	say(a, "{\"verb\":\"beat\",\"generation\":1,\"round\":4,\"number\":18,\"heard\":17}\n");
	UNTIL(has_heard(a, "{\"sent\":false}"));
	leave(a);
	leave(b);
}

static void leases_go_to_the_backend_worker(void **state)
{
	struct pair *pair = *state;

	assert_answer(pair, "primary.control", "{\"verb\":\"hold\"}\n", "error", "code",
	              "wrong-state");
	start_arbitrated(pair);
	json_decref(ask(pair, "primary.control", "{\"verb\":\"lease\",\"until\":77}\n"));
	assert_int_equal(pair->guest.lease, 77);
	json_decref(ask(pair, "primary.control", "{\"verb\":\"hold\"}\n"));
	assert_int_equal(pair->guest.lease, 0);
	assert_answer(pair, "primary.control", "{\"verb\":\"lease\"}\n", "error", "code",
	              "bad-request");
	assert_answer(pair, "primary.control", "{\"verb\":\"lease\",\"until\":-1}\n", "error",
	              "code", "bad-request");
}

static void a_solo_primary_makes_no_copy_by_itself(void **state)
{
	struct pair *pair = *state;

	start_arbitrated(pair);
	wait_in_sync(pair);
	world.standby = NULL;
	assert_answer(pair, "primary.control", "{\"verb\":\"release\"}\n", "result", "state",
	              "alone");
	assert_false(pair->guest.is_holding);
	UNTIL(!standby_has_peer(pair->standby.standby));
	for (int i = 0; i < 50; i++)
		ev_run(pair->loop, EVRUN_ONCE);
	assert_int_equal(primary_is(pair), PRIMARY_ALONE);
	assert_false(contact_is_up(pair->primary.contact));
	/* It may be said again. */
	assert_answer(pair, "primary.control", "{\"verb\":\"release\"}\n", "result", "state",
	              "alone");
}

static void a_switchover_loses_nothing(void **state)
{
	struct pair *pair = *state;
	struct watcher *a;
	uint64_t sent, whole;

	start_arbitrated(pair);
	a = watch(pair, "primary.control");
	say(a, "{\"verb\":\"flush\"}\n");
	UNTIL(has_heard(a, "wrong-state"));
	wait_in_sync(pair);
	a->used = 0;
	say(a, "{\"verb\":\"flush\"}\n");
	UNTIL(has_heard(a, "{\"ok\":true,\"result\":{\"epoch\":"));
	assert_true(pair->guest.is_paused);
	sent = pair->guest.state.sent;
	whole = standby_states_of(pair->standby.standby)->whole;
	assert_int_equal(acked(pair), whole);
	assert_int_equal(primary_states_of(pair->primary.primary)->cut, whole);
	a->used = 0;
	say(a, "{\"verb\":\"flush\"}\n");
	UNTIL(has_heard(a, "wrong-state"));
	/* It is called off: the VM goes on, and so do its epochs. */
	a->used = 0;
	say(a, "{\"verb\":\"resume\"}\n{\"verb\":\"resume\"}\n");
	UNTIL(has_heard(a, "wrong-state"));
	assert_non_null(strstr(a->text, "{\"ok\":true"));
	UNTIL(pair->guest.state.sent > sent && acked(pair) > whole);
	/* And once more, to the end. */
	a->used = 0;
	say(a, "{\"verb\":\"flush\"}\n");
	UNTIL(has_heard(a, "{\"ok\":true,\"result\":{\"epoch\":"));
	sent = pair->guest.state.sent;
	world.is_quiet = true;
	json_decref(ask(pair, "standby.control", "{\"verb\":\"activate\",\"until\":123}\n"));
	assert_int_equal(pair->shadow.until, 123);
	assert_int_equal(pair->shadow.state.sent, sent);
	assert_false(pair->shadow.is_released);
	json_decref(ask(pair, "standby.control", "{\"verb\":\"release\"}\n"));
	assert_true(pair->shadow.is_released);
	leave(a);
}

static json_int_t counted(struct pair *pair, const char *field)
{
	json_t *reply = ask(pair, "primary.control", "{\"verb\":\"status\"}\n");
	const json_t *counts = json_object_get(json_object_get(reply, "result"), "counts");
	json_int_t value = json_integer_value(json_object_get(counts, field));

	assert_non_null(json_object_get(counts, field));
	json_decref(reply);
	return value;
}

static void what_is_sent_is_counted(void **state)
{
	struct pair *pair = *state;
	json_int_t cuts, sent;

	wait_in_sync(pair);
	cuts = counted(pair, "cuts");
	sent = counted(pair, "sent_bytes");
	assert_true(cuts > 0 && sent > 0 && counted(pair, "captured_bytes") > 0);
	assert_int_equal(counted(pair, "pause_ns"), 1000);
	assert_int_equal(counted(pair, "pause_longest_ns"), 1000);
	assert_true(counted(pair, "pauses_ns") >= 1000 * cuts);
	pair->guest.held_told = (struct vm_held){ .bytes = 18432, .frames = 12 };
	assert_int_equal(counted(pair, "held_bytes"), 18432);
	assert_int_equal(counted(pair, "held_frames"), 12);
	UNTIL(counted(pair, "cuts") > cuts && counted(pair, "sent_bytes") > sent);
}

static void the_pace_is_set_while_epochs_run(void **state)
{
	struct pair *pair = *state;
	const struct pace_limits *limits = &pair->primary.primary->pace.limits;
	uint64_t epoch;

	wait_in_sync(pair);
	json_decref(ask(pair, "primary.control",
	                "{\"verb\":\"set\",\"interval_ms\":40,\"shortest_ms\":2,"
	                "\"dirty_pages\":64,\"kept_mib\":16,\"exempt\":\"arp,lldp\"}\n"));
	assert_int_equal(pair->guest.exempt.types[0], 0x0806);
	assert_int_equal(pair->guest.exempt.types[1], 0x88cc);
	assert_int_equal(limits->longest, 40000000);
	assert_int_equal(limits->shortest, 2000000);
	assert_int_equal(limits->dirty_pages, 64);
	assert_int_equal(pair->primary.primary->settings.kept_bytes, 16u << 20);
	epoch = acked(pair);
	UNTIL(acked(pair) > epoch + 3);
	assert_answer(pair, "primary.control", "{\"verb\":\"set\",\"interval_ms\":40}\n", "error",
	              "code", "bad-request");
	assert_answer(pair, "primary.control",
	              "{\"verb\":\"set\",\"interval_ms\":2,\"shortest_ms\":3,"
	              "\"dirty_pages\":64,\"kept_mib\":16,\"exempt\":\"none\"}\n",
	              "error", "code", "bad-request");
	assert_answer(pair, "primary.control",
	              "{\"verb\":\"set\",\"interval_ms\":30,\"shortest_ms\":2,"
	              "\"dirty_pages\":64,\"kept_mib\":16,\"exempt\":\"arp,ipv6\"}\n",
	              "error", "code", "bad-request");
	assert_int_equal(pair->guest.exempt.types[1], 0x88cc);
	assert_int_equal(limits->longest, 40000000);
}

static void a_flush_that_fails_is_said(void **state)
{
	struct pair *pair = *state;
	struct watcher *a;

	start_arbitrated(pair);
	wait_in_sync(pair);
	a = watch(pair, "primary.control");
	say(a, "{\"verb\":\"flush\"}\n");
	standby_worker_close(&pair->standby);
	UNTIL(has_heard(a, "\"failed\"") || has_heard(a, "wrong-state"));
	if (pair->guest.is_paused)
		json_decref(ask(pair, "primary.control", "{\"verb\":\"resume\"}\n"));
	assert_false(pair->guest.is_paused);
	leave(a);
}

static void copies_of_another_round_are_refused(void **state)
{
	struct pair *pair = *state;

	start_arbitrated(pair);
	wait_in_sync(pair);
	primary_worker_close(&pair->primary);
	guest_abandon(&pair->guest);
	pair->primary_settings.hello.round = 5;
	start_primary(pair);
	for (int i = 0; i < 200; i++)
		ev_run(pair->loop, EVRUN_ONCE);
	assert_int_equal(primary_is(pair), PRIMARY_WAITING);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define THREADS_TEST(name)                                                                         \
	{                                                                                          \
#name " (threads)", name, set_up_threads, tear_down, NULL                          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(epochs_go_over_and_output_leaves),
		WORKER_TEST(the_standby_goes_on_where_the_world_last_saw_the_vm),
		WORKER_TEST(a_connection_that_breaks_is_made_again),
		WORKER_TEST(a_standby_that_has_lost_everything_is_given_a_base),
		WORKER_TEST(a_primary_worker_that_comes_back_takes_up_what_is_held),
		WORKER_TEST(an_operator_sees_and_decides),
		WORKER_TEST(a_primary_is_released_by_hand),
		WORKER_TEST(remusd_hears_of_copies_and_links),
		WORKER_TEST(arbiters_talk_over_the_wire),
		WORKER_TEST(leases_go_to_the_backend_worker),
		WORKER_TEST(a_solo_primary_makes_no_copy_by_itself),
		WORKER_TEST(a_switchover_loses_nothing),
		WORKER_TEST(what_is_sent_is_counted),
		WORKER_TEST(the_pace_is_set_while_epochs_run),
		WORKER_TEST(a_flush_that_fails_is_said),
		WORKER_TEST(copies_of_another_round_are_refused),
		THREADS_TEST(epochs_go_over_and_output_leaves),
		THREADS_TEST(the_standby_goes_on_where_the_world_last_saw_the_vm),
		THREADS_TEST(a_connection_that_breaks_is_made_again),
		THREADS_TEST(a_primary_worker_that_comes_back_takes_up_what_is_held),
		THREADS_TEST(a_switchover_loses_nothing),
	};

	log_open("test_workers", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, certificates_of_two_hosts, certificates_remove);
}
