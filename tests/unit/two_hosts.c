/* Two hosts' daemons in one process: real TLS between them, real processes, workers that replicate nothing. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/two_hosts.h"

#include "fencing/guard/private.h"
#include "tests/unit/certificates.h"
#include "tests/unit/fake_cluster.h"
#include "tests/unit/peer_config.h"

struct ev_loop *loop;
struct daemon a, b;

/* --- the operator --- */

const char *text(const json_t *request, const char *field)
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

static void begin_switch_over(const json_t *request, void *data, struct control_later *later)
{
	wards_switch_over(((struct daemon *)data)->wards, text(request, "vm"),
	                  text(request, "here") != NULL, later);
}

static void begin_peer(const json_t *request, void *data, struct control_later *later)
{
	wards_ask_peer(((struct daemon *)data)->wards, text(request, "vm"), later);
}

static void begin_resync(const json_t *request, void *data, struct control_later *later)
{
	wards_resync(((struct daemon *)data)->wards, text(request, "vm"), later);
}

static void begin_set(const json_t *request, void *data, struct control_later *later)
{
	const struct wards_change change = { .interval = text(request, "interval"),
		                             .budget = text(request, "budget"),
		                             .memory = text(request, "memory"),
		                             .exempt = text(request, "exempt") };

	wards_set(((struct daemon *)data)->wards, text(request, "vm"), &change, later);
}

/* As remusd's, but for what it knows of guests that are not protected. */
static json_t *serve_status(const json_t *request, void *data)
{
	json_t *told = wards_tell(((struct daemon *)data)->wards, text(request, "vm"));

	if (!told)
		return control_refusal("no-such-vm", "remusctl list", "no such guest");
	return control_success(json_pack("{s:s, s:i, s:O, s:o}", "name", text(request, "vm"), "id",
	                                 7, "protection", json_object_get(told, "state"),
	                                 "replication", told));
}

static const char *const fields[] = { "vm",     "to",     "interval", "force", "here",
	                              "budget", "memory", "exempt",   NULL };
static const struct control_verb verbs[] = {
	{ .name = "protect", .fields = fields, .begin = begin_protect },
	{ .name = "unprotect", .fields = fields, .begin = begin_unprotect },
	{ .name = "activate", .fields = fields, .begin = begin_activate },
	{ .name = "switchover", .fields = fields, .begin = begin_switch_over },
	{ .name = "peer", .fields = fields, .begin = begin_peer },
	{ .name = "resync", .fields = fields, .begin = begin_resync },
	{ .name = "set", .fields = fields, .begin = begin_set },
	{ .name = "status", .fields = fields, .serve = serve_status },
	{ 0 },
};

static int send_line(const struct daemon *daemon, const char *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, daemon->socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	return fd;
}

void daemon_ask(const struct daemon *daemon, const char *line)
{
	close(send_line(daemon, line));
}

const char *order(struct daemon *daemon, const char *line)
{
	const json_t *error;
	ssize_t got = 0;
	int fd;

	json_decref(daemon->reply);
	fd = send_line(daemon, line);
	UNTIL((got = recv(fd, daemon->line, sizeof(daemon->line), MSG_DONTWAIT)) > 0);
	close(fd);
	daemon->reply = control_parse(daemon->line, (size_t)got - 1);
	assert_non_null(daemon->reply);
	control_result(daemon->reply, &error);
	return error ? text(error, "code") : "";
}

/* --- two hosts --- */

static void configure(const struct daemon *daemon, const char *name, const char *address,
                      const char *peer, const char *peer_address, uint16_t port)
{
	FILE *file = fopen(daemon->fake.config, "w");

	fputs(peer_config(name, address, peer, peer_address, port), file);
	fprintf(file, "images = ( \"%s\" );", a.fake.image);
	fclose(file);
}

void change_config(const struct daemon *daemon, const char *from, const char *to)
{
	char command[320];

	snprintf(command, sizeof(command), "sed -i 's#%s#%s#' %s", from, to, daemon->fake.config);
	assert_int_equal(system(command), 0);
	wards_reload(daemon->wards);
}

static void on_stopped(void *data)
{
	((struct daemon *)data)->has_stopped = true;
}

void daemon_open(struct daemon *daemon)
{
	struct wards_settings settings = { .loop = loop,
		                           .host = &daemon->fake.host,
		                           .config = daemon->fake.config,
		                           .ledger = daemon->fake.ledger,
		                           .marks = daemon->fake.folder,
		                           .events = daemon->events,
		                           .run = daemon->fake.folder,
		                           .programs = daemon->fake.programs,
		                           .xl = daemon->fake.xl,
		                           .second = 0.1,
		                           .shared = daemon->shared.cluster ? &daemon->shared
		                                                            : NULL,
		                           .stopped = on_stopped,
		                           .data = daemon };

	snprintf(daemon->events, sizeof(daemon->events), "%s/events", daemon->fake.folder);
	daemon->has_stopped = false;
	daemon->wards = wards_open(&settings);
	assert_non_null(daemon->wards);
	snprintf(daemon->socket, sizeof(daemon->socket), "%s/control", daemon->fake.folder);
	daemon->control = control_serve(loop, daemon->socket, verbs, daemon);
	assert_non_null(daemon->control);
}

void daemon_close(struct daemon *daemon)
{
	if (!daemon->wards)
		return;
	wards_stop(daemon->wards);
	UNTIL(daemon->has_stopped);
	control_server_free(daemon->control);
	wards_close(daemon->wards);
	daemon->wards = NULL;
}

int hosts_set_up(void **state)
{
	uint16_t port = peer_config_port();

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	fake_host_make(&a.fake);
	fake_host_make(&b.fake);
	/* Both hosts are this one: they share the image. */
	strcpy(b.fake.image, a.fake.image);
	configure(&a, "a", "127.0.0.1", "b", "127.0.0.2", port);
	configure(&b, "b", "127.0.0.2", "a", "127.0.0.1", port);
	fake_host_add(&a.fake, 7, "web", WEB);
	daemon_open(&a);
	daemon_open(&b);
	UNTIL(a.wards->peers && b.wards->peers);
	return 0;
}

int hosts_tear_down(void **state)
{
	daemon_close(&a);
	daemon_close(&b);
	json_decref(a.reply);
	json_decref(b.reply);
	fake_host_remove(&a.fake);
	fake_host_remove(&b.fake);
	return 0;
}

/* The word for what web is on that host; "" it is not protected. */
const char *state_of(const struct daemon *daemon)
{
	static char word[32];
	json_t *told = wards_tell(daemon->wards, "web");

	snprintf(word, sizeof(word), "%s", told ? text(told, "state") : "");
	json_decref(told);
	return word;
}

bool has_happened(const struct daemon *daemon, const char *event)
{
	json_t *told = wards_events(daemon->wards, "web", 0);
	const json_t *one;
	bool is_so = false;
	size_t i;

	json_array_foreach(json_object_get(told, "events"), i, one)
		is_so = is_so || !strcmp(text(one, "event"), event);
	json_decref(told);
	return is_so;
}

void protect(void)
{
	assert_string_equal(order(&a, PROTECT), "");
	UNTIL_STATE(&a, "replicating");
	UNTIL_STATE(&b, "ready");
}

int pid_of(const struct daemon *daemon)
{
	return wards_find(daemon->wards, "web")->child.pid;
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

int hosts_set_up_cluster(void **state)
{
	hosts_set_up(state);
	daemon_close(&a);
	daemon_close(&b);
	fake_cluster_begin(loop);
	share(&a, 1);
	share(&b, 2);
	daemon_open(&a);
	daemon_open(&b);
	UNTIL(a.wards->peers && b.wards->peers);
	return 0;
}

int hosts_tear_down_cluster(void **state)
{
	daemon_close(&a);
	daemon_close(&b);
	unshare(&a);
	unshare(&b);
	fake_cluster_end(loop);
	return hosts_tear_down(state);
}

bool is_protected(const struct daemon *daemon)
{
	json_t *told = wards_tell(daemon->wards, "web");
	bool is_so = json_is_true(json_object_get(json_object_get(told, "arbiter"), "protected"));

	json_decref(told);
	return is_so;
}

void protect_with_arbiters(void)
{
	assert_string_equal(order(&a, PROTECT), "");
	UNTIL(is_protected(&a) && is_protected(&b));
	UNTIL(!strcmp(fake_host_read(&a.fake, "primary-web.output"), "lease"));
	/* The standby's right to take over begins when the primary has heard that it is heard. */
	for (ev_tstamp until = ev_time() + 4.; ev_time() < until;)
		ev_run(loop, EVRUN_ONCE);
}

void allow_both_hosts(void)
{
	fake_host_add(&b.fake, 7, "web", WEB);
	fake_host_take(&b.fake, 7);
}

/* --- all --- */

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
}

static ev_timer tick;

int hosts_begin(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	loop = ev_default_loop(EVFLAG_AUTO);
	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(loop, &tick);
	certificates_of_two_hosts(state);
	return 0;
}

int hosts_end(void **state)
{
	certificates_end();
	ev_loop_destroy(loop);
	return 0;
}
