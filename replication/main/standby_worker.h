/* A standby on a loop: its peer, its commits, and what an operator may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_STANDBY_WORKER_H
#define REPLICATION_MAIN_STANDBY_WORKER_H

#include "common/log.h"
#include "replication/main/contact.h"
#include "replication/main/worker_events.h"
#include "replication/standby/standby.h"
#include "toolstack/control/server.h"

struct standby_worker {
	struct ev_loop *loop;
	struct standby *standby;
	struct contact *contact;
	struct control_server *control;
	const struct standby_settings *settings;
	struct sink *sink;
	struct worker_events events;
	struct log_subject subject; /* what this process logs is about it */
	ev_timer due;
};

/* sink and the settings are the caller's and outlive it; beat is set here. control: path of the socket; NULL: none. 0 or -1 with why (of
 * TRANSPORT_WHY_MAX) set. */
int standby_worker_open(struct standby_worker *worker, struct ev_loop *loop, struct sink *sink,
                        const struct standby_settings *settings,
                        const struct contact_settings *contact, const char *control, char *why);
void standby_worker_close(struct standby_worker *worker);

/* As standby_activate(), and said in the log. */
int standby_worker_activate(struct standby_worker *worker, uint64_t until);

#endif
