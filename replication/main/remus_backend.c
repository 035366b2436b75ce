/* remus-backend DOMID: serves the virtual disks and network cards of one guest. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Started by remusd, one a guest, and started again if it dies. It ends by itself when the guest has no device left.
 * SIGTERM: lets what is under way end and goes, leaving the devices connected for the next. SIGUSR1: reports.
 */

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/backend/guest_lock.h"
#include "replication/backend/holder.h"
#include "replication/backend/xenbus.h"
#include "replication/main/confine.h"
#include "replication/main/loop_watch.h"
#include "replication/marks/marks_file.h"

static struct xenbus xenbus;
static struct holder holder;
static int lock; /* of the guest */

/* How often the end of disk work is looked for while stopping, in seconds. */
#define STOP_POLL 0.005

/* An extent that is written so often stays marked, and costs no more syncs; what was written within two of these is copied
 * after an outage. */
#define TURN_MS 30000

static void on_report(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)loop;
	(void)signal;
	(void)events;
	loop_watch_report();
}

static void on_stop_poll(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	if (xenbus_is_idle(&xenbus))
		ev_break(loop, EVBREAK_ALL);
}

static void on_stop(struct ev_loop *loop, ev_signal *signal, int events)
{
	static ev_timer poll;

	(void)signal;
	(void)events;
	if (xenbus.is_stopping)
		return;
	xenbus_stop(&xenbus);
	ev_timer_init(&poll, on_stop_poll, 0., STOP_POLL);
	ev_timer_start(loop, &poll);
}

static void on_emptied(struct xenbus *emptied)
{
	holder_forget(&holder);
	guest_lock_drop(xenbus.host.domid,
	                lock); /* last: whoever takes it finds nothing of this worker */
	ev_break(emptied->host.loop, EVBREAK_ALL);
}

static void catch_signals(struct ev_loop *loop)
{
	static ev_signal stop, interrupt, report;

	ev_signal_init(&stop, on_stop, SIGTERM);
	ev_signal_init(&interrupt, on_stop, SIGINT);
	ev_signal_init(&report, on_report, SIGUSR1);
	ev_signal_start(loop, &stop);
	ev_signal_start(loop, &interrupt);
	ev_signal_start(loop, &report);
}

/* Everything that needs more power than serving does. */
static int prepare(void)
{
	int err;

	lock = guest_lock_take(xenbus.host.domid);
	if (lock < 0) {
		log_error("cannot lock guest %u: %s", xenbus.host.domid, strerror(-lock));
		return lock;
	}
	err = confine_capabilities();
	if (err) {
		log_error("cannot drop capabilities: %s", strerror(-err));
		return err;
	}
	err = xenbus_open(&xenbus);
	if (!err)
		err = holder_open(&holder, &xenbus);
	if (err)
		return err;
	catch_signals(xenbus.host.loop);
	xenbus_start(&xenbus);
	err = confine_calls();
	if (err)
		log_error("cannot filter system calls: %s", strerror(-err));
	return err;
}

static int parse_domid(const char *text, unsigned int *domid)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value == 0 || value >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	*domid = (unsigned int)value;
	return 0;
}

int main(int argc, char **argv)
{
	static char name[32];

	if (argc != 2 || parse_domid(argv[1], &xenbus.host.domid)) {
		fprintf(stderr, "usage: remus-backend DOMID\n");
		return 2;
	}
	snprintf(name, sizeof(name), "remus-backend %u", xenbus.host.domid);
	log_open(name, LOG_LEVEL_INFO);
	/* Nobody would start us again: go with the supervisor. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);

	xenbus.host.marks = MARKS_FOLDER;
	xenbus.host.turn_ms = TURN_MS;
	xenbus.host.loop = ev_default_loop(EVFLAG_AUTO);
	xenbus.emptied = on_emptied;
	if (!xenbus.host.loop || prepare())
		return 1;
	loop_watch_start(xenbus.host.loop);
	ev_run(xenbus.host.loop, 0);
	loop_watch_report();
	return 0;
}
