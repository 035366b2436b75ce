/* remusd: has a worker serve the devices of each guest of this host, and others replicate those that are protected. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * It watches the xenstore for guests whose network cards and disks dom0 is to serve. SIGTERM ends the workers, which
 * leave the devices connected, and output held: the next remusd takes them up. SIGHUP reads the configuration anew.
 */

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenstore.h>

#include "common/journal.h"
#include "replication/daemon/chronicle.h"
#include "replication/daemon/host_xen.h"
#include "replication/daemon/ledger.h"
#include "replication/daemon/wards.h"
#include "replication/main/daemon_verbs.h"
#include "replication/main/supervise.h"
#include "replication/marks/marks_file.h"
#include "toolstack/control/message.h"

#define GENERATIONS_FOLDER "/var/lib/remus/generations"

static const char *const folders[] = { "backend/vif", "backend/vbd" };
#define FOLDER_COUNT (sizeof(folders) / sizeof(folders[0]))

struct remusd {
	struct supervisor supervisor;
	struct xs_handle *xs;
	ev_io store_ready;
	ev_signal terminate, interrupt, hangup;
	struct host_xen host;
	struct wards *wards; /* NULL: nothing can be protected */
	struct guard_shared guards;
	bool is_stopping;
	struct daemon_facts facts; /* for who asks */
	struct control_server *control;
};

static unsigned int count_entries(struct xs_handle *xs, const char *path)
{
	unsigned int count = 0;

	free(xs_directory(xs, XBT_NULL, path, &count));
	return count;
}

/* Whether the toolstack has a device for that guest. */
static bool is_wanted(unsigned int domid, void *data)
{
	struct remusd *remusd = data;
	char path[64];

	for (unsigned int i = 0; i < FOLDER_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%u", folders[i], domid);
		if (count_entries(remusd->xs, path))
			return true;
	}
	return false;
}

static void scan_folder(struct remusd *remusd, const char *folder)
{
	unsigned int count = 0;
	char **names = xs_directory(remusd->xs, XBT_NULL, folder, &count);

	for (unsigned int i = 0; names && i < count; i++) {
		unsigned int domid = (unsigned int)strtoul(names[i], NULL, 10);

		if (domid && is_wanted(domid, remusd))
			supervise_want(&remusd->supervisor, domid);
	}
	free(names);
}

static void scan(struct remusd *remusd)
{
	supervise_forget(&remusd->supervisor, is_wanted, remusd);
	for (unsigned int i = 0; i < FOLDER_COUNT; i++)
		scan_folder(remusd, folders[i]);
}

static void on_store(struct ev_loop *loop, ev_io *io, int events)
{
	struct remusd *remusd = io->data;
	bool is_changed = false;
	char **watch;

	(void)loop;
	(void)events;
	while ((watch = xs_check_watch(remusd->xs))) {
		is_changed = true;
		free(watch);
	}
	if (is_changed && !remusd->supervisor.is_stopping)
		scan(remusd);
}

static void on_ended(struct supervisor *supervisor)
{
	scan((struct remusd *)supervisor);
}

static void on_stopped(struct supervisor *supervisor)
{
	ev_break(supervisor->loop, EVBREAK_ALL);
}

/* The replication's workers end before those that serve devices, which they talk to. */
static void on_wards_stopped(void *data)
{
	struct remusd *remusd = data;

	supervise_stop(&remusd->supervisor);
}

static void on_terminate(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct remusd *remusd = signal->data;

	(void)loop;
	(void)events;
	if (remusd->is_stopping)
		return;
	remusd->is_stopping = true;
	if (remusd->wards)
		wards_stop(remusd->wards);
	else
		supervise_stop(&remusd->supervisor);
}

static void on_hangup(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct remusd *remusd = signal->data;

	(void)loop;
	(void)events;
	if (remusd->wards)
		wards_reload(remusd->wards);
}

static void catch_signal(struct remusd *remusd, ev_signal *watcher, int number,
                         void (*handler)(struct ev_loop *loop, ev_signal *signal, int events))
{
	ev_signal_init(watcher, handler, number);
	watcher->data = remusd;
	ev_signal_start(remusd->supervisor.loop, watcher);
}

static int watch_store(struct remusd *remusd)
{
	remusd->xs = xs_open(0);
	if (!remusd->xs)
		goto failed;
	for (unsigned int i = 0; i < FOLDER_COUNT; i++) {
		if (!xs_watch(remusd->xs, folders[i], folders[i]))
			goto failed;
	}
	ev_io_init(&remusd->store_ready, on_store, xs_fileno(remusd->xs), EV_READ);
	remusd->store_ready.data = remusd;
	ev_io_start(remusd->supervisor.loop, &remusd->store_ready);
	return 0;

failed:
	log_error("cannot watch the xenstore: %s", strerror(errno));
	return -errno;
}

/* Guests are served also if nobody can ask about them. */
static void open_control(struct remusd *remusd, const char *path)
{
	remusd->facts.supervisor = &remusd->supervisor;
	remusd->facts.xs = remusd->xs;
	remusd->facts.wards = remusd->wards;
	remusd->control = control_serve(remusd->supervisor.loop, path, daemon_verbs,
	                                &remusd->facts);
	if (!remusd->control)
		log_error("cannot listen at %s: %s", path, strerror(errno));
}

/* The folder of this program, and of those that it starts. */
static const char *programs_folder(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 0)
		return NULL;
	path[length] = 0;
	*strrchr(path, '/') = 0;
	return path;
}

/* What arbiters share; NULL: it cannot be opened. A Corosync that does not run is waited for. */
static const struct guard_shared *open_guards(struct remusd *remusd)
{
	struct guard_shared *shared = &remusd->guards;
	int folder = ledger_open(GENERATIONS_FOLDER);

	shared->loop = remusd->supervisor.loop;
	if (folder >= 0 && !writer_open(shared->loop, folder, &shared->writer) &&
	    !fencer_open(shared->loop, &shared->fencer) &&
	    !cluster_open(shared->loop, &shared->cluster))
		return shared;
	log_error(GENERATIONS_FOLDER " cannot be used: no VM has an arbiter");
	return NULL;
}

/* Guests are served also if none can be protected. */
static void open_wards(struct remusd *remusd, const char *programs)
{
	struct wards_settings settings = { .loop = remusd->supervisor.loop,
		                           .host = &remusd->host.host,
		                           .config = CONFIG_FILE,
		                           .ledger = LEDGER_FOLDER,
		                           .marks = MARKS_FOLDER,
		                           .shared = open_guards(remusd),
		                           .events = CHRONICLE_FILE,
		                           .run = CONTROL_FOLDER,
		                           .programs = programs,
		                           .xl = "xl",
		                           .second = 1.,
		                           .stopped = on_wards_stopped,
		                           .data = remusd };

	host_xen_init(&remusd->host, remusd->supervisor.loop, remusd->xs, programs);
	mkdir(CONTROL_FOLDER, 0700);
	mkdir("/var/lib/remus", 0700);
	mkdir(MARKS_FOLDER, 0700);
	remusd->wards = wards_open(&settings);
}

int main(int argc, char **argv)
{
	static struct remusd remusd;
	static char backend[PATH_MAX + 16];
	const char *programs = programs_folder();

	(void)argv;
	if (argc != 1) {
		fprintf(stderr, "usage: remusd\n");
		return 2;
	}
	log_open("remusd", LOG_LEVEL_INFO);
	journal_open("remusd");
	signal(SIGPIPE, SIG_IGN);
	remusd.supervisor.loop = ev_default_loop(EVFLAG_AUTO);
	remusd.supervisor.program = backend;
	remusd.supervisor.ended = on_ended;
	remusd.supervisor.stopped = on_stopped;
	if (!remusd.supervisor.loop || !programs || watch_store(&remusd))
		return 1;
	snprintf(backend, sizeof(backend), "%s/remus-backend", programs);
	open_wards(&remusd, programs);
	open_control(&remusd, CONTROL_SOCKET);
	catch_signal(&remusd, &remusd.terminate, SIGTERM, on_terminate);
	catch_signal(&remusd, &remusd.interrupt, SIGINT, on_terminate);
	catch_signal(&remusd, &remusd.hangup, SIGHUP, on_hangup);
	log_info("serving guests by %s", remusd.supervisor.program);
	ev_run(remusd.supervisor.loop, 0);
	if (remusd.control)
		control_server_free(remusd.control);
	if (remusd.wards)
		wards_close(remusd.wards);
	if (remusd.guards.cluster)
		cluster_close(remusd.guards.cluster);
	if (remusd.guards.writer)
		writer_close(remusd.guards.writer);
	return 0;
}
