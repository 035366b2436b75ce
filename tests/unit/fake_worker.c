/* A worker that replicates nothing, in the place of remus-primary and remus-standby; and hosts made of files. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/fake_worker.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/control/server.h"

static void need(int is_right)
{
	if (!is_right)
		abort();
}

/* --- the worker --- */

static struct {
	bool is_primary, is_released, is_active, has_peer;
	bool is_watched, has_told_synced;
	int generation, round;
	struct control_server *server;
	ev_timer look;
	ev_io acceptable;
	char said[512]; /* by the peer, up to a newline */
	size_t used;
	char output[160]; /* a file: what the last word about output was */
	char domain[160]; /* the standby's: its file */
	int fd;           /* the standby's listener; the primary's connection, -1: none */
	struct sockaddr_in address;
	ev_timer retry;
	ev_io readable;
} fake = { .fd = -1 };

static json_t *serve_status(const json_t *request, void *data)
{
	const char *state = fake.is_active ? "active" : "ready";
	static int asked; /* epochs go on as it is looked at */

	asked += fake.has_peer;

	if (fake.is_primary)
		state = fake.is_released ? "alone" : fake.has_peer ? "running" : "waiting";
	return control_success(json_pack("{s:s, s:b, s:b, s:s, s:i, s:i, s:i, s:i, s:{s:i, s:i}}",
	                                 "state", state, "connected", fake.has_peer, "held",
	                                 fake.is_primary && !fake.is_released, "why",
	                                 "no fake peer", "cut", 12 + asked, "acknowledged",
	                                 10 + asked, "whole", 10, "committed", 10, "counts",
	                                 "held_bytes", 18432, "held_frames", 12));
}

static json_t *serve_release(const json_t *request, void *data)
{
	if (fake.has_peer)
		return control_refusal(CONTROL_WRONG_STATE, "", "it is not waiting");
	fake.is_released = true;
	return control_success(json_object());
}

static json_t *serve_activate(const json_t *request, void *data)
{
	char note[200];

	/* The test may have this one refuse. */
	snprintf(note, sizeof(note), "%s.late", fake.domain);
	if (access(note, F_OK) == 0)
		return control_refusal(CONTROL_FAILED, "", "too late");
	fake.is_active = true;
	return control_success(json_pack("{s:i}", "epoch", 10));
}

/* --- with an arbiter: beats over the connection, words about output to a file --- */

static json_t *serve_watch(const json_t *request, void *data)
{
	control_watch(fake.server);
	fake.is_watched = true;
	return control_success(json_object());
}

static int number(const json_t *request, const char *field)
{
	return (int)json_integer_value(json_object_get(request, field));
}

static json_t *serve_beat(const json_t *request, void *data)
{
	char line[100];

	snprintf(line, sizeof(line), "%d %d %d %d\n", number(request, "generation"),
	         number(request, "round"), number(request, "number"), number(request, "heard"));
	if (fake.has_peer)
		send(fake.fd, line, strlen(line), MSG_NOSIGNAL);
	return control_success(json_pack("{s:b}", "sent", fake.has_peer));
}

static void tell_beat(const char *line)
{
	int generation, round, heard, count;

	need(sscanf(line, "%d %d %d %d", &generation, &round, &count, &heard) == 4);
	control_tell(fake.server,
	             json_pack("{s:s, s:i, s:i, s:i, s:i}", "event", "beat", "generation",
	                       generation, "round", round, "number", count, "heard", heard));
}

static json_t *serve_output(const json_t *request, void *data)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	FILE *file = fopen(fake.output, "w");

	fputs(verb, file);
	fclose(file);
	if (!strcmp(verb, "release"))
		fake.is_released = true;
	return control_success(json_object());
}

static json_t *serve_set(const json_t *request, void *data)
{
	char path[200];

	snprintf(path, sizeof(path), "%s.set", fake.output);
	return json_dump_file(request, path, 0) ? control_refusal(CONTROL_FAILED, "", "no file")
	                                        : control_success(json_object());
}

static json_t *serve_flush(const json_t *request, void *data)
{
	return control_success(json_pack("{s:i}", "epoch", 12));
}

static void tell_synced(int ok)
{
	control_tell(fake.server, json_pack("{s:s, s:b, s:i, s:i}", "event", "synced", "ok", ok,
	                                    "generation", fake.generation, "round", fake.round));
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	char lost[200];

	/* The test has the copy be lost. */
	snprintf(lost, sizeof(lost), "%s.lost", fake.output);
	if (fake.has_told_synced && !unlink(lost))
		tell_synced(0);
	if (!fake.is_watched || !fake.has_peer || fake.has_told_synced || fake.is_released)
		return;
	fake.has_told_synced = true;
	tell_synced(1);
}

static const char *const until_field[] = { "#until", NULL };
static const char *const beat_fields[] = { "#generation", "#round", "#number", "#heard", NULL };
static const char *const set_fields[] = { "#interval_ms", "#shortest_ms", "#dirty_pages",
	                                  "#kept_mib",    "exempt",       NULL };
static const char *const no_fields[] = { NULL };
static const struct control_verb arbitrated_verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "watch", .fields = no_fields, .serve = serve_watch },
	{ .name = "beat", .fields = beat_fields, .serve = serve_beat },
	{ .name = "lease", .fields = until_field, .serve = serve_output },
	{ .name = "hold", .fields = no_fields, .serve = serve_output },
	{ .name = "release", .fields = no_fields, .serve = serve_output },
	{ .name = "set", .fields = set_fields, .serve = serve_set },
	{ .name = "flush", .fields = no_fields, .serve = serve_flush },
	{ .name = "resume", .fields = no_fields, .serve = serve_output },
	{ .name = "activate", .fields = until_field, .serve = serve_activate },
	{ 0 },
};
static const struct control_verb verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "set", .fields = set_fields, .serve = serve_set },
	{ .name = "release", .fields = no_fields, .serve = serve_release },
	{ .name = "activate", .fields = no_fields, .serve = serve_activate },
	{ 0 },
};

static void on_lost(struct ev_loop *loop, ev_io *io, int events)
{
	ssize_t got = recv(fake.fd, fake.said + fake.used, 1, 0);

	if (got > 0 && fake.said[fake.used] == '\n') {
		fake.said[fake.used] = 0;
		fake.used = 0;
		tell_beat(fake.said);
		return;
	}
	need(got <= 0 || ++fake.used < sizeof(fake.said));
	if (got > 0)
		return;
	ev_io_stop(loop, io);
	close(fake.fd);
	fake.has_peer = false;
	fake.used = 0;
	if (fake.is_primary)
		ev_timer_again(loop, &fake.retry);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	fake.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fake.fd, (struct sockaddr *)&fake.address, sizeof(fake.address))) {
		close(fake.fd);
		return;
	}
	fake.has_peer = true;
	ev_timer_stop(loop, timer);
	ev_io_init(&fake.readable, on_lost, fake.fd, EV_READ);
	ev_io_start(loop, &fake.readable);
}

/* The standby's: the last that connects counts. */
static void on_knock(struct ev_loop *loop, ev_io *io, int events)
{
	int fd = accept(io->fd, NULL, NULL);

	if (fake.has_peer) {
		ev_io_stop(loop, &fake.readable);
		close(fake.fd);
	}
	fake.fd = fd;
	fake.has_peer = true;
	fake.used = 0;
	ev_io_init(&fake.readable, on_lost, fd, EV_READ);
	ev_io_start(loop, &fake.readable);
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void listen_at(struct ev_loop *loop)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	need(!bind(fd, (struct sockaddr *)&fake.address, sizeof(fake.address)));
	need(!listen(fd, 4));
	ev_io_init(&fake.acceptable, on_knock, fd, EV_READ);
	ev_io_start(loop, &fake.acceptable);
}

/* As the real one: a domain that is there already is in its way. */
static int make_domain(const char *control, int domid, const char *name, const char *uuid)
{
	char copy[128];
	FILE *file;

	snprintf(copy, sizeof(copy), "%s", control);
	snprintf(fake.domain, sizeof(fake.domain), "%s/domain-%d", dirname(copy), domid);
	if (access(fake.domain, F_OK) == 0)
		return -1;
	file = fopen(fake.domain, "w");
	fprintf(file, "%s %s\n", name, uuid);
	fclose(file);
	return 0;
}

static int be_worker(json_t *said)
{
	struct ev_loop *loop = ev_default_loop(0);
	const char *name, *uuid, *address, *control;
	ev_signal stop;
	int domid, port, is_arbitrated = 0;

	need(!json_unpack(said, "{s:{s:s, s:s, s:i, s:i, s?i}, s:s, s:i, s:s, s?b}", "vm", "name",
	                  &name, "uuid", &uuid, "domain", &domid, "generation", &fake.generation,
	                  "round", &fake.round, "address", &address, "port", &port, "control",
	                  &control, "arbitrated", &is_arbitrated));
	snprintf(fake.output, sizeof(fake.output), "%s.output", control);
	fake.address = (struct sockaddr_in){ .sin_family = AF_INET,
		                             .sin_port = htons((uint16_t)port),
		                             .sin_addr.s_addr = inet_addr(address) };
	if (!fake.is_primary && make_domain(control, domid, name, uuid))
		return 1;
	fake.server = control_serve(loop, control, is_arbitrated ? arbitrated_verbs : verbs, NULL);
	need(fake.server != NULL);
	ev_timer_init(&fake.look, on_look, 0.02, 0.02);
	ev_timer_start(loop, &fake.look);
	ev_signal_init(&stop, on_stop, SIGTERM);
	ev_signal_start(loop, &stop);
	ev_timer_init(&fake.retry, on_retry, 0.01, 0.05);
	if (fake.is_primary)
		ev_timer_start(loop, &fake.retry);
	else
		listen_at(loop);
	ev_run(loop, 0);
	control_server_free(fake.server);
	if (!fake.is_primary && !fake.is_active)
		unlink(fake.domain);
	return 0;
}

int fake_worker_main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	json_t *said;
	int status;

	fake.is_primary = !strcmp(name, "remus-primary");
	if (!fake.is_primary && strcmp(name, "remus-standby"))
		return 0;
	need(argc == 2);
	signal(SIGPIPE, SIG_IGN);
	said = json_load_file(argv[1], 0, NULL);
	need(said != NULL);
	status = be_worker(said);
	json_decref(said);
	exit(status);
}

/* --- the host --- */

static const char *path_in(const struct fake_host *fake_host, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", fake_host->folder, file);
	return path;
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	need(file != NULL && fputs(text, file) >= 0);
	fclose(file);
	chmod(path, mode);
}

static void make_folder(const char *path)
{
	need(mkdir(path, 0700) == 0);
}

static int host_look(struct host *host, unsigned int domid, struct host_vm *vm)
{
	struct fake_host *fake_host = (struct fake_host *)host;
	char file[32];
	FILE *opened;
	int got;

	snprintf(file, sizeof(file), "domain-%u", domid);
	*vm = (struct host_vm){ .domid = (uint16_t)domid };
	opened = fopen(path_in(fake_host, file), "r");
	if (!opened)
		return -ENOENT;
	got = fscanf(opened, "%63s %36s", vm->name, vm->uuid);
	fclose(opened);
	return got == 2 ? 0 : -ENOENT;
}

static int host_find(struct host *host, const char *word, struct host_vm *vm)
{
	char number[12];

	for (unsigned int domid = 1; domid < 20; domid++) {
		snprintf(number, sizeof(number), "%u", domid);
		if (!host_look(host, domid, vm) &&
		    (!strcmp(vm->name, word) || !strcasecmp(vm->uuid, word) ||
		     !strcmp(number, word)))
			return 0;
	}
	return -ENOENT;
}

static const char *host_disks(struct host *host, unsigned int domid, struct protection *protection)
{
	struct fake_host *fake_host = (struct fake_host *)host;

	protection->disk_count = 1;
	protection->disks[0] = (struct protection_disk){ .device = 51712 };
	strcpy(protection->disks[0].path, fake_host->image);
	protection->disks[0].bytes = (uint64_t)host_image_bytes(fake_host->image);
	return NULL;
}

static int host_is_used(struct host *host, const char *path, unsigned int but)
{
	const struct fake_host *fake_host = (struct fake_host *)host;

	return fake_host->used_error ? fake_host->used_error : !strcmp(fake_host->used_image, path);
}

static int64_t host_free_memory(struct host *host)
{
	return ((struct fake_host *)host)->free_kb;
}

static int host_watchdog(struct host *host, uint32_t seconds, uint32_t linger)
{
	((struct fake_host *)host)->watchdog = seconds;
	return 0;
}

static const struct host_ops host_ops = {
	.look = host_look,
	.find = host_find,
	.disks = host_disks,
	.is_used = host_is_used,
	.free_memory = host_free_memory,
	.watchdog = host_watchdog,
};

void fake_host_make(struct fake_host *made)
{
	static const char *const folders[] = { "bin",
		                               "sys",
		                               "sys/class",
		                               "sys/class/net",
		                               "sys/class/net/xenbr0",
		                               "sys/class/net/xenbr0/bridge" };
	char text[512], self[256] = "";

	*made = (struct fake_host){ .host = { .ops = &host_ops }, .free_kb = 1 << 20 };
	strcpy(made->folder, "/tmp/test_wards.XXXXXX");
	need(mkdtemp(made->folder) != NULL);
	made->host.root = made->folder;
	for (unsigned int i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_folder(path_in(made, folders[i]));
	snprintf(made->programs, sizeof(made->programs), "%s/bin", made->folder);
	snprintf(made->xl, sizeof(made->xl), "%s/bin/xl", made->folder);
	snprintf(made->ledger, sizeof(made->ledger), "%s/vms", made->folder);
	snprintf(made->config, sizeof(made->config), "%s/remus.conf", made->folder);
	snprintf(made->image, sizeof(made->image), "%s/image", made->folder);
	write_text(made->image, "", 0600);
	need(truncate(made->image, 1 << 20) == 0);
	need(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	need(symlink(self, path_in(made, "bin/remus-primary")) == 0);
	need(symlink(self, path_in(made, "bin/remus-standby")) == 0);
	snprintf(text, sizeof(text),
	         "#!/bin/sh\ncd %s\necho \"$*\" >>xl.log\n"
	         "case $1 in list) cat \"$3.json\" ;; destroy) rm \"domain-$2\" ;; esac\n",
	         made->folder);
	write_text(made->xl, text, 0700);
	snprintf(text, sizeof(text),
	         "#!/bin/sh\ncd %s\necho \"start $*\" >>xl.log\n[ ! -e start.fails ] || exit 1\n"
	         "grep -q '\"name\": *\"web\"' \"$1\" || exit 1\n"
	         "echo web 00112233-4455-6677-8899-aabbccddeeff >\"domain-$2\"\n",
	         made->folder);
	write_text(path_in(made, "bin/remus-start"), text, 0700);
}

void fake_host_remove(struct fake_host *made)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -r %s", made->folder);
	need(system(command) == 0);
}

void fake_host_add(const struct fake_host *made, unsigned int domid, const char *name,
                   const char *uuid)
{
	char file[80], text[640];

	snprintf(file, sizeof(file), "domain-%u", domid);
	snprintf(text, sizeof(text), "%s %s\n", name, uuid);
	write_text(path_in(made, file), text, 0600);
	snprintf(file, sizeof(file), "%s.json", name);
	snprintf(
		text, sizeof(text),
		"[{\"domid\":%u,\"config\":{\"c_info\":{\"type\":\"pvh\",\"name\":\"%s\",\"uuid\":\"%s\"},"
		"\"b_info\":{\"max_memkb\":131072,\"shadow_memkb\":2048,\"kernel\":\"/bin/sh\"},"
		"\"disks\":[{\"pdev_path\":\"%s\",\"vdev\":\"xvda\",\"format\":\"raw\"}],"
		"\"nics\":[{\"devid\":0,\"bridge\":\"xenbr0\"}]}}]",
		domid, name, uuid, made->image);
	write_text(path_in(made, file), text, 0600);
	snprintf(file, sizeof(file), "%u.json", domid);
	write_text(path_in(made, file), text, 0600);
}

void fake_host_take(const struct fake_host *made, unsigned int domid)
{
	char file[32];

	snprintf(file, sizeof(file), "domain-%u", domid);
	need(unlink(path_in(made, file)) == 0);
}

const char *fake_host_read(const struct fake_host *made, const char *file)
{
	static char text[4096];
	FILE *opened = fopen(path_in(made, file), "r");

	memset(text, 0, sizeof(text));
	if (!opened)
		return "";
	fread(text, 1, sizeof(text) - 1, opened);
	fclose(opened);
	return text;
}
