/* Two hosts' daemons protect a VM with each other: real TLS between them, real processes, workers that replicate nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/guarded_ward.c fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c tests/unit/fake_cluster.c replication/daemon/wards.c replication/daemon/ward.c replication/daemon/primary_ward.c replication/daemon/standby_ward.c replication/daemon/leaving_ward.c replication/daemon/tell_ward.c replication/daemon/checks.c replication/daemon/child.c replication/daemon/ledger.c replication/daemon/peers.c replication/daemon/program.c replication/daemon/protection.c replication/daemon/vm_config.c replication/daemon/worker_file.c replication/daemon/worker_link.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c fencing/agent/options.c replication/daemon/fences.c toolstack/control/answer.c toolstack/control/client.c toolstack/control/codes.c toolstack/control/message.c toolstack/control/server.c common/log.c common/states.c tests/unit/certificates.c tests/unit/fake_worker.c */
/* libs: -lxxhash -lpthread -lssl -lcrypto -lev -ljansson -lconfig */

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fencing/guard/private.h"
#include "replication/daemon/ward.h"
#include "tests/unit/certificates.h"
#include "tests/unit/fake_cluster.h"
#include "tests/unit/fake_worker.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define WEB "00112233-4455-6677-8899-aabbccddeeff"

struct daemon {
	struct fake_host fake;
	struct wards *wards;
	struct guard_shared shared; /* of arbiters; cluster NULL: there are none */
	uint32_t number;            /* in the cluster */
	bool has_stopped;
	/* The operator: a client of a real control socket. */
	struct control_server *control;
	char socket[96];
	json_t *reply; /* to the last order; NULL: not yet */
	int client;
	char line[CONTROL_LINE_MAX];
	size_t used;
};

static struct ev_loop *loop;
static struct daemon a, b;

#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		ev_tstamp until = ev_time() + 120.;                                                \
		while (!(condition)) {                                                             \
			assert_true(ev_time() < until);                                            \
			ev_run(loop, EVRUN_ONCE);                                                  \
		}                                                                                  \
	} while (0)

/* --- the operator --- */

static const char *text(const json_t *request, const char *field)
{
	return json_string_value(json_object_get(request, field));
}

static void begin_protect(const json_t *request, void *data, struct control_later *later)
{
	wards_protect(((struct daemon *)data)->wards, text(request, "vm"), text(request, "to"),
	              text(request, "interval"), false, later);
}

static void begin_unprotect(const json_t *request, void *data, struct control_later *later)
{
	wards_unprotect(((struct daemon *)data)->wards, text(request, "vm"),
	                text(request, "force") != NULL, later);
}

static void begin_activate(const json_t *request, void *data, struct control_later *later)
{
	wards_activate(((struct daemon *)data)->wards, text(request, "vm"), later);
}

static const char *const fields[] = { "vm", "to", "interval", "force", NULL };
static const struct control_verb verbs[] = {
	{ .name = "protect", .fields = fields, .begin = begin_protect },
	{ .name = "unprotect", .fields = fields, .begin = begin_unprotect },
	{ .name = "activate", .fields = fields, .begin = begin_activate },
	{ 0 },
};

/* The code of the refusal, "" if it was done. */
static const char *order(struct daemon *daemon, const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const json_t *error;
	ssize_t got = 0;

	json_decref(daemon->reply);
	strcpy(address.sun_path, daemon->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	UNTIL((got = recv(fd, daemon->line, sizeof(daemon->line), MSG_DONTWAIT)) > 0);
	close(fd);
	daemon->reply = control_parse(daemon->line, (size_t)got - 1);
	assert_non_null(daemon->reply);
	control_result(daemon->reply, &error);
	return error ? text(error, "code") : "";
}

#define PROTECT "{\"verb\":\"protect\",\"vm\":\"web\",\"to\":\"b\"}\n"

/* --- two hosts --- */

static uint16_t free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void configure(const struct daemon *daemon, const char *name, const char *address,
                      const char *peer, const char *peer_address, uint16_t port)
{
	FILE *file = fopen(daemon->fake.config, "w");
	char certificate[16], key[16];

	snprintf(certificate, sizeof(certificate), "%s.pem", name);
	snprintf(key, sizeof(key), "%s.key", name);
	fprintf(file,
	        "name = \"%s\"; listen = \"%s\"; port = %u;"
	        "peers = ( { name = \"%s\"; address = \"%s\"; } );"
	        "certificates = { authority = \"%s\"; certificate = \"%s\"; key = \"%s\"; };"
	        "images = ( \"%s\" );",
	        name, address, port, peer, peer_address, certificates_path("ca.pem"),
	        certificates_path(certificate), certificates_path(key), a.fake.image);
	fclose(file);
}

static void on_stopped(void *data)
{
	((struct daemon *)data)->has_stopped = true;
}

static void open_daemon(struct daemon *daemon)
{
	struct wards_settings settings = { .loop = loop,
		                           .host = &daemon->fake.host,
		                           .config = daemon->fake.config,
		                           .ledger = daemon->fake.ledger,
		                           .run = daemon->fake.folder,
		                           .programs = daemon->fake.programs,
		                           .xl = daemon->fake.xl,
		                           .second = 0.1,
		                           .shared = daemon->shared.cluster ? &daemon->shared
		                                                            : NULL,
		                           .stopped = on_stopped,
		                           .data = daemon };

	daemon->has_stopped = false;
	daemon->wards = wards_open(&settings);
	assert_non_null(daemon->wards);
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/control", daemon->fake.folder);
	daemon->control = control_serve(loop, daemon->socket, verbs, daemon);
	assert_non_null(daemon->control);
}

static void close_daemon(struct daemon *daemon)
{
	if (!daemon->wards)
		return;
	wards_stop(daemon->wards);
	UNTIL(daemon->has_stopped);
	control_server_free(daemon->control);
	wards_close(daemon->wards);
	daemon->wards = NULL;
}

static int set_up(void **state)
{
	uint16_t port = free_port();

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	fake_host_make(&a.fake);
	fake_host_make(&b.fake);
	/* Both hosts are this one: they share the image. */
	strcpy(b.fake.image, a.fake.image);
	configure(&a, "a", "127.0.0.1", "b", "127.0.0.2", port);
	configure(&b, "b", "127.0.0.2", "a", "127.0.0.1", port);
	fake_host_add(&a.fake, 7, "web", WEB);
	open_daemon(&a);
	open_daemon(&b);
	UNTIL(a.wards->peers && b.wards->peers);
	return 0;
}

static int tear_down(void **state)
{
	close_daemon(&a);
	close_daemon(&b);
	json_decref(a.reply);
	json_decref(b.reply);
	fake_host_remove(&a.fake);
	fake_host_remove(&b.fake);
	return 0;
}

/* The word for what web is on that host; "" it is not protected. */
static const char *state_of(const struct daemon *daemon)
{
	static char word[32];
	json_t *told = wards_tell(daemon->wards, "web");

	snprintf(word, sizeof(word), "%s", told ? text(told, "state") : "");
	json_decref(told);
	return word;
}

#define UNTIL_STATE(daemon, word) UNTIL(!strcmp(state_of(daemon), word))

static void protect(void)
{
	assert_string_equal(order(&a, PROTECT), "");
	UNTIL_STATE(&a, "replicating");
	UNTIL_STATE(&b, "ready");
}

static int pid_of(const struct daemon *daemon)
{
	return wards_find(daemon->wards, "web")->child.pid;
}

/* --- tests --- */

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
	json_decref(told);
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"primary\""));
	assert_non_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"standby\""));
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

static void configure_more(const struct daemon *daemon, const char *text)
{
	FILE *file = fopen(daemon->fake.config, "a");

	fputs(text, file);
	fclose(file);
	wards_reload(daemon->wards);
}

/* Writes the file anew, with that in the place of that. */
static void change_config(const struct daemon *daemon, const char *from, const char *to)
{
	char command[320];

	snprintf(command, sizeof(command), "sed -i 's#%s#%s#' %s", from, to, daemon->fake.config);
	assert_int_equal(system(command), 0);
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

static void test_a_peer_that_is_not_there(void **state)
{
	close_daemon(&b);
	assert_string_equal(order(&a, PROTECT), CONTROL_NO_PEER);
	assert_string_equal(state_of(&a), "");
}

static void test_it_is_unprotected(void **state)
{
	protect();
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	assert_string_equal(state_of(&a), "");
	UNTIL_STATE(&b, "");
	assert_string_equal(fake_host_read(&a.fake, "vms/web.json"), "");
	assert_string_equal(fake_host_read(&b.fake, "vms/web.json"), "");
	assert_string_equal(fake_host_read(&b.fake, "domain-7"), "");
	assert_string_not_equal(fake_host_read(&a.fake, "domain-7"), "");
	protect();
}

static void test_it_is_unprotected_without_its_peer(void **state)
{
	protect();
	close_daemon(&b);
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
	close_daemon(&a);
	open_daemon(&a);
	UNTIL_STATE(&a, "replicating");
	close_daemon(&b);
	UNTIL_STATE(&a, "held");
	open_daemon(&b);
	assert_string_equal(state_of(&b), "waiting");
	UNTIL_STATE(&b, "ready");
	UNTIL_STATE(&a, "replicating");
}

static void test_a_vm_that_does_not_run_is_an_alarm(void **state)
{
	json_t *told;

	protect();
	close_daemon(&a);
	fake_host_take(&a.fake, 7);
	open_daemon(&a);
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
	close_daemon(&a);
	fake_host_take(&a.fake, 7);
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), "");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(b.reply, "result"), "generation")),
	                 2);
	assert_string_equal(state_of(&b), "unprotected");
	fake_host_add(&b.fake, 7, "web", WEB);
	open_daemon(&a);
	UNTIL_STATE(&a, "ready");
	UNTIL_STATE(&b, "replicating");
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"standby\""));
	assert_non_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"generation\": 2"));
}

static void test_an_activation_that_is_refused(void **state)
{
	char path[96];

	protect();
	snprintf(path, sizeof(path), "%s/domain-7.late", b.fake.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), CONTROL_FAILED);
	assert_string_equal(state_of(&b), "ready");
	assert_non_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"standby\""));
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
	close_daemon(&a);
	assert_string_equal(order(&b, "{\"verb\":\"activate\",\"vm\":\"web\"}\n"), "");
	fake_host_add(&b.fake, 7, "web", WEB);
	open_daemon(&a);
	UNTIL_STATE(&a, "unprotected");
	UNTIL(says(&b, "a runs web, too"));
	UNTIL(says(&a, "b has gone on with web"));
	assert_non_null(strstr(fake_host_read(&a.fake, "vms/web.json"), "\"primary\""));
}

static void test_a_file_that_is_damaged(void **state)
{
	char path[112];
	FILE *file;

	snprintf(path, sizeof(path), "%s/web.json", a.fake.ledger);
	close_daemon(&a);
	file = fopen(path, "w");
	fputs("{", file);
	fclose(file);
	open_daemon(&a);
	assert_string_equal(state_of(&a), "broken");
	assert_string_equal(order(&a, PROTECT), CONTROL_WRONG_STATE);
	assert_string_equal(order(&a, "{\"verb\":\"unprotect\",\"vm\":\"web\"}\n"), "");
	protect();
}

static void test_without_a_configuration(void **state)
{
	char away[112];

	close_daemon(&a);
	snprintf(away, sizeof(away), "%s.away", a.fake.config);
	assert_int_equal(rename(a.fake.config, away), 0);
	open_daemon(&a);
	assert_string_equal(order(&a, PROTECT), CONTROL_NO_CONFIG);
	assert_int_equal(rename(away, a.fake.config), 0);
	wards_reload(a.wards);
	protect();
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

/* --- with a cluster, whose arbiters decide --- */

/* The arbiters' clock goes slower than the world: a machine that is busy must not look like one that slept. */
uint64_t guard_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return ((uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec) / 4;
}

int cluster_find(struct cluster *cluster, const char *name, uint32_t *id)
{
	*id = name[0] == 'a' ? 1 : 2;
	return 0;
}

int cluster_name(struct cluster *cluster, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	strcpy(name, id == 1 ? "a" : "b");
	return 0;
}

static void share(struct daemon *daemon, uint32_t number)
{
	char path[96];
	int folder;

	snprintf(path, sizeof(path), "%s/generations", daemon->fake.folder);
	mkdir(path, 0700);
	folder = open(path, O_RDONLY | O_DIRECTORY);
	daemon->number = number;
	daemon->shared = (struct guard_shared){ .loop = loop, .cluster = fake_cluster_of(number) };
	assert_int_equal(writer_open(loop, folder, &daemon->shared.writer), 0);
	assert_int_equal(fencer_open(loop, &daemon->shared.fencer), 0);
}

static void unshare(struct daemon *daemon)
{
	int folder = writer_folder(daemon->shared.writer);

	writer_close(daemon->shared.writer);
	fencer_close(daemon->shared.fencer);
	close(folder);
}

static int set_up_cluster(void **state)
{
	set_up(state);
	close_daemon(&a);
	close_daemon(&b);
	fake_cluster_begin(loop);
	share(&a, 1);
	share(&b, 2);
	open_daemon(&a);
	open_daemon(&b);
	UNTIL(a.wards->peers && b.wards->peers);
	return 0;
}

static int tear_down_cluster(void **state)
{
	close_daemon(&a);
	close_daemon(&b);
	unshare(&a);
	unshare(&b);
	fake_cluster_end(loop);
	return tear_down(state);
}

static bool is_protected(const struct daemon *daemon)
{
	json_t *told = wards_tell(daemon->wards, "web");
	bool is_so = json_is_true(json_object_get(json_object_get(told, "arbiter"), "protected"));

	json_decref(told);
	return is_so;
}

static void protect_with_arbiters(void)
{
	assert_string_equal(order(&a, PROTECT), "");
	UNTIL(is_protected(&a) && is_protected(&b));
	UNTIL(!strcmp(fake_host_read(&a.fake, "primary-web.output"), "lease"));
	/* The standby's right to take over begins when the primary has heard that it is heard. */
	for (ev_tstamp until = ev_time() + 4.; ev_time() < until;)
		ev_run(loop, EVRUN_ONCE);
}

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

/* Nobody orders it. */
static void test_the_standby_takes_over_by_itself(void **state)
{
	protect_with_arbiters();
	fake_cluster_set_alive(1, false);
	close_daemon(&a);
	fake_host_take(&a.fake, 7);
	UNTIL(wards_find(b.wards, "web")->is.role == PROTECTION_PRIMARY);
	UNTIL(!strcmp(fake_host_read(&b.fake, "standby-web.output"), "release"));
	UNTIL_STATE(&b, "unprotected");
	assert_non_null(strstr(fake_host_read(&b.fake, "vms/web.json"), "\"generation\": 2"));
	/* Its old host returns, without the VM, and becomes the standby. */
	fake_host_add(&b.fake, 7, "web", WEB);
	fake_cluster_set_alive(1, true);
	open_daemon(&a);
	UNTIL(is_protected(&a) && is_protected(&b));
	UNTIL_STATE(&a, "ready");
	assert_int_equal(wards_find(a.wards, "web")->is.role, PROTECTION_STANDBY);
}

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
}

static ev_timer tick;

static int begin_all(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	loop = ev_default_loop(EVFLAG_AUTO);
	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(loop, &tick);
	certificates_begin();
	certificates_make_ca("ca");
	certificates_make("a", "a", "ca", -60, 86400);
	certificates_make("b", "b", "ca", -60, 86400);
	return 0;
}

static int end_all(void **state)
{
	certificates_end();
	ev_loop_destroy(loop);
	return 0;
}

#define CLUSTER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define WARDS_TEST(name)   cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WARDS_TEST(test_it_is_protected),
		WARDS_TEST(test_orders_that_make_no_sense),
		WARDS_TEST(test_all_that_stands_against_it_at_once),
		WARDS_TEST(test_a_peer_that_is_not_there),
		WARDS_TEST(test_it_is_unprotected),
		WARDS_TEST(test_it_is_unprotected_without_its_peer),
		WARDS_TEST(test_daemons_that_are_started_anew),
		WARDS_TEST(test_a_vm_that_does_not_run_is_an_alarm),
		WARDS_TEST(test_workers_that_are_killed),
		WARDS_TEST(test_it_is_activated_and_protected_again),
		WARDS_TEST(test_an_activation_that_is_refused),
		WARDS_TEST(test_an_old_primary_that_runs_does_not_give_way),
		WARDS_TEST(test_a_file_that_is_damaged),
		WARDS_TEST(test_without_a_configuration),
		WARDS_TEST(test_images_that_a_peer_may_have),
		WARDS_TEST(test_what_a_peer_may_not_ask),
		CLUSTER_TEST(test_arbiters_keep_the_lease),
		CLUSTER_TEST(test_the_standby_takes_over_by_itself),
		CLUSTER_TEST(test_agents_of_the_configuration),
	};

	fake_worker_main(argc, argv);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, begin_all, end_all);
}
