/* A primary on a loop: its peer, its clock, and what an operator may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_PRIMARY_WORKER_H
#define REPLICATION_MAIN_PRIMARY_WORKER_H

#include "common/log.h"
#include "replication/main/contact.h"
#include "replication/main/worker_events.h"
#include "replication/primary/primary.h"
#include "toolstack/control/server.h"

struct primary_worker {
	struct ev_loop *loop;
	struct primary *primary;
	struct contact *contact;
	struct control_server *control;
	const struct primary_settings *settings;
	struct vm *vm;
	bool is_arbitrated;
	struct worker_events events;
	struct log_subject subject;     /* what this process logs is about it */
	struct control_later *flushing; /* who waits for a flush; NULL: nobody */
	ev_timer due, progress;
	ev_async encoded; /* by threads */
};

/* vm and the settings are the caller's and outlive it; beat and encoded are set here. control: path of the socket; NULL: none. is_arbitrated: remusd
 * says by leases what may leave. 0 or -1 with why (of TRANSPORT_WHY_MAX) set. */
int primary_worker_open(struct primary_worker *worker, struct ev_loop *loop, struct vm *vm,
                        const struct primary_settings *settings,
                        const struct contact_settings *contact, const char *control,
                        bool is_arbitrated, char *why);

/* Says BYE. What is held stays held. */
void primary_worker_close(struct primary_worker *worker);

/* Output waits in the open epoch (of the VM's backends). */
void primary_worker_want(struct primary_worker *worker);

#endif
