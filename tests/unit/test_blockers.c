/* What stands against a VM's protection, and what a peer may neither ask nor learn. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/guarded_ward.c fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c tests/unit/fake_cluster.c replication/daemon/wards.c replication/daemon/watchdog.c replication/daemon/start_ward.c replication/daemon/save_ward.c replication/daemon/ward.c replication/daemon/primary_ward.c replication/daemon/standby_ward.c replication/daemon/leaving_ward.c replication/daemon/tell_ward.c replication/daemon/note_ward.c replication/daemon/orders.c replication/daemon/settings_ward.c replication/daemon/errand_ward.c replication/daemon/chronicle.c replication/daemon/checks.c replication/daemon/child.c replication/daemon/ledger.c replication/daemon/peers.c replication/daemon/program.c replication/daemon/protection.c replication/daemon/vm_config.c replication/daemon/worker_file.c replication/daemon/worker_link.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c fencing/agent/options.c replication/daemon/fences.c toolstack/control/answer.c toolstack/control/client.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c common/log.c common/states.c tests/unit/certificates.c tests/unit/fake_worker.c tests/unit/peer_config.c tests/unit/two_hosts.c replication/marks/marks_file.c common/exempt.c */
/* libs: -lxxhash -lpthread -lssl -lcrypto -lev -ljansson -lconfig */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/two_hosts.h"
#include "toolstack/control/codes.h"

static bool has_blocker(const struct daemon *daemon, const char *code)
{
	const json_t *blockers = json_object_get(json_object_get(daemon->reply, "error"),
	                                         "blockers");
	const json_t *blocker;
	size_t i;

	json_array_foreach(blockers, i, blocker)
	{
		assert_true(*text(blocker, "message") && *text(blocker, "remedy"));
		if (!strcmp(text(blocker, "code"), code))
			return true;
	}
	return false;
}

static void test_all_that_stands_against_it_at_once(void **state)
{
	char command[128];

	fake_host_add(&b.fake, 7, "mail", "99112233-4455-6677-8899-aabbccddeeff");
	fake_host_add(&b.fake, 8, "web", "98112233-4455-6677-8899-aabbccddeeff");
	b.fake.free_kb = 1000;
	strcpy(b.fake.used_image, b.fake.image);
	snprintf(command, sizeof(command), "rmdir %s/sys/class/net/xenbr0/bridge", b.fake.folder);
	assert_int_equal(system(command), 0);
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "domid-in-use"));
	assert_true(has_blocker(&a, "name-in-use"));
	assert_true(has_blocker(&a, "no-memory"));
	assert_true(has_blocker(&a, "image-in-use"));
	assert_true(has_blocker(&a, "no-bridge"));
	assert_false(has_blocker(&a, "no-image"));
	assert_string_equal(state_of(&a), "");
	assert_string_equal(state_of(&b), "");
	assert_string_equal(fake_host_read(&a.fake, "vms/web.json"), "");
	assert_string_equal(fake_host_read(&b.fake, "vms/web.json"), "");
}

/* Who cannot be asked is no one who says no. */
static void test_an_image_that_may_be_in_use(void **state)
{
	b.fake.used_error = -EIO;
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "image-in-use"));
}

static void list_with(const char *kernel)
{
	char text[640];

	snprintf(text, sizeof(text),
	         "sed -i 's,\"kernel\":\"[^\"]*\",\"kernel\":\"%s\",' %s/7.json", kernel,
	         a.fake.folder);
	assert_int_equal(system(text), 0);
}

/* A peer does not learn from a refusal which files there are. */
static void test_files_that_a_peer_may_not_hear_of(void **state)
{
	static const char *const elsewhere[] = { "/etc/passwd", "/root", "/no/such/file" };

	for (unsigned int i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		list_with(elsewhere[i]);
		assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
		assert_true(has_blocker(&a, "no-kernel"));
	}
	list_with("/bin/sh");
	change_config(&b, "images = .*", "images = ( \"/srv/\" );");
	strcpy(b.fake.used_image, b.fake.image);
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "image-not-allowed"));
	assert_false(has_blocker(&a, "image-in-use"));
}

static void test_it_has_no_way_back(void **state)
{
	change_config(&a, "images = .*", "images = ( \"/srv/\" );");
	assert_string_equal(order(&a, PROTECT), "");
	assert_non_null(strstr(text(json_object_get(a.reply, "result"), "warning"), a.fake.image));
}

static void configure_more(const struct daemon *daemon, const char *text)
{
	FILE *file = fopen(daemon->fake.config, "a");

	fputs(text, file);
	fclose(file);
	wards_reload(daemon->wards);
}

static void test_images_that_a_peer_may_have(void **state)
{
	char link[112], other[112], told[240];

	change_config(&b, "images = .*", "");
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "image-not-allowed"));
	configure_more(&b, "images = ( \"/srv\", \"/tm\" );");
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "image-not-allowed"));
	/* A link out of an allowed folder is no way around. */
	snprintf(link, sizeof(link), "%s/link", b.fake.programs);
	snprintf(other, sizeof(other), "%s", a.fake.image);
	assert_int_equal(symlink(other, link), 0);
	snprintf(told, sizeof(told), "images = ( \"%s/\" );", b.fake.programs);
	change_config(&b, "images = .*", told);
	strcpy(a.fake.image, link);
	fake_host_add(&a.fake, 7, "web", WEB);
	assert_string_equal(order(&a, PROTECT), CONTROL_BLOCKED);
	assert_true(has_blocker(&a, "image-not-allowed"));
	strcpy(a.fake.image, other);
	fake_host_add(&a.fake, 7, "web", WEB);
	change_config(&b, "images = .*", "images = ( \"/tmp/\" );");
	assert_string_equal(order(&a, PROTECT), "");
}

/* What a peer may ask, and may not. */
static const char *ask_prepare(const char *peer, const char *changes)
{
	static char code[32];
	json_t *request = json_pack(
		"{s:s, s:{s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:{s:i, s:i, s:i}, s:b, s:[], s:{s:b, s:i, s:b}}, s:o}",
		"verb", "prepare", "protection", "name", "web", "uuid", WEB, "domid", 7, "role",
		"standby", "peer", "a", "generation", 1, "port", 0, "settings", "interval", 25,
		"budget", 64, "memory", 16, "devices", 1, "disks", "arbiter", "on", 0, "round", 0,
		"accepts_split_brain", 0, "listing",
		json_loads(fake_host_read(&a.fake, "web.json"), 0, NULL));
	json_t *change = json_loads(changes, 0, NULL), *reply;
	const json_t *error;

	assert_non_null(request);
	assert_non_null(change);
	json_object_update(json_object_get(request, "protection"), json_object_get(change, "in"));
	json_object_update(request, json_object_get(change, "out"));
	reply = standby_prepare(b.wards, peer, request);
	control_result(reply, &error);
	snprintf(code, sizeof(code), "%s", error ? text(error, "code") : "");
	json_decref(reply);
	json_decref(change);
	json_decref(request);
	return code;
}

#define LISTING(build, script)                                                                     \
	"{\"out\":{\"listing\":[{\"config\":{\"c_info\":{\"type\":\"pvh\",\"name\":\"web\","       \
	"\"uuid\":\"" WEB "\"},\"b_info\":{\"max_memkb\":131072," build "},"                       \
	"\"nics\":[{\"bridge\":\"xenbr0\",\"script\":" script "}]}}]}}"

static void test_what_a_peer_may_not_ask(void **state)
{
	assert_string_equal(ask_prepare("a", "{\"in\":{\"name\":\"../web\"}}"),
	                    CONTROL_BAD_REQUEST);
	assert_string_equal(ask_prepare("a", "{\"in\":{\"name\":\"other\"}}"), CONTROL_BAD_REQUEST);
	assert_string_equal(ask_prepare("a", "{\"in\":{\"domid\":40000}}"), CONTROL_BAD_REQUEST);
	assert_string_equal(ask_prepare("a", "{\"out\":{\"listing\":[]}}"), CONTROL_BAD_REQUEST);
	assert_string_equal(ask_prepare("a", "{\"out\":{\"more\":1}}"), CONTROL_BAD_REQUEST);
	/* libxl would run these as root. */
	assert_string_equal(ask_prepare("a", LISTING("\"bootloader\":\"/bin/sh\"", "null")),
	                    CONTROL_BLOCKED);
	assert_string_equal(ask_prepare("a", LISTING("\"device_model\":\"/bin/sh\"", "null")),
	                    CONTROL_BLOCKED);
	assert_string_equal(ask_prepare("a", LISTING("\"kernel\":\"/bin/sh\"", "\"/tmp/script\"")),
	                    CONTROL_BLOCKED);
	assert_string_equal(ask_prepare("a", LISTING("\"kernel\":\"/bin/sh\"",
	                                             "\"/etc/xen/scripts/../../tmp/x\"")),
	                    CONTROL_BLOCKED);
	assert_string_equal(state_of(&b), "");
	protect();
	/* Nobody else's standby, nothing of the past, no other VM of that name. */
	assert_string_equal(ask_prepare("c", "{}"), CONTROL_WRONG_STATE);
	assert_int_equal(wards_find(b.wards, "web")->is.generation, 1);
	wards_find(b.wards, "web")->is.generation = 5;
	assert_string_equal(ask_prepare("a", "{\"in\":{\"generation\":4}}"), CONTROL_WRONG_STATE);
	assert_string_equal(state_of(&b), "ready");
}

#define BLOCKER_TEST(name) cmocka_unit_test_setup_teardown(name, hosts_set_up, hosts_tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BLOCKER_TEST(test_all_that_stands_against_it_at_once),
		BLOCKER_TEST(test_an_image_that_may_be_in_use),
		BLOCKER_TEST(test_files_that_a_peer_may_not_hear_of),
		BLOCKER_TEST(test_it_has_no_way_back),
		BLOCKER_TEST(test_images_that_a_peer_may_have),
		BLOCKER_TEST(test_what_a_peer_may_not_ask),
	};

	fake_worker_main(argc, argv);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, hosts_begin, hosts_end);
}
