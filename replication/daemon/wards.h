/* The VMs that are protected by this host: as their primary, or as their standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_WARDS_H
#define REPLICATION_DAEMON_WARDS_H

#include <ev.h>

#include "fencing/guard/guard.h"
#include "replication/daemon/host.h"
#include "toolstack/control/server.h"

/* Kept, like all strings. The loop is libev's default one. */
struct wards_settings {
	struct ev_loop *loop;
	struct host *host;
	const char *config; /* path of the configuration */
	const char *ledger; /* folder of what is protected; made if it is missing */
	const char *
		marks; /* folder of disks' marks (docs/resync.md), for their removal; NULL: there are none */
	const struct guard_shared *shared; /* of arbiters; NULL: there are none */
	const char *events;                /* file of what happened; NULL: none */
	const char *run;                   /* folder of the workers' files and sockets */
	const char *programs;              /* folder of remus-primary and remus-standby */
	const char *xl;                    /* the program */
	double second; /* how long one lasts when something is tried again or waited for: 1, but in tests */
	void (*stopped)(void *data);
	void *data;
};

struct wards;

/* Takes up what is protected. Without a configuration that can be taken it waits for one. NULL: no memory, or the ledger
 * cannot be read; it is logged. */
struct wards *wards_open(const struct wards_settings *settings);

/* Ends the workers: output that is held stays held. stopped() is called when the last has gone, perhaps from here. */
void wards_stop(struct wards *wards);
void wards_close(struct wards *wards);

/* Reads the configuration anew; if it cannot be taken the old one stays. */
void wards_reload(struct wards *wards);

/*
 * Verbs of the control socket, which answer by `later` (docs/control.md). vm is a name, or a number of a guest of this
 * host. interval: text, or NULL for the configuration's.
 */
void wards_protect(struct wards *wards, const char *vm, const char *peer, const char *interval,
                   bool accepts_split_brain, struct control_later *later);
void wards_unprotect(struct wards *wards, const char *vm, bool is_forced,
                     struct control_later *later);
void wards_activate(struct wards *wards, const char *vm, struct control_later *later);

/* Of a VM whose standby is here, its other host is asked; is_here: only of such a one. */
void wards_switch_over(struct wards *wards, const char *vm, bool is_here,
                       struct control_later *later);
/* What its other host tells of it. */
void wards_ask_peer(struct wards *wards, const char *vm, struct control_later *later);
void wards_resync(struct wards *wards, const char *vm, struct control_later *later);

/* NULL: as it is. */
struct wards_change {
	const char *interval, *budget, *memory, *exempt;
};
void wards_set(struct wards *wards, const char *vm, const struct wards_change *change,
               struct control_later *later);
/* The operator vouches that the VM's other host is off. */
void wards_fenced(struct wards *wards, const char *vm, struct control_later *later);

/* What happened, as chronicle_tell() tells it. */
json_t *wards_events(const struct wards *wards, const char *vm, uint64_t since);

/* What is known of the VM of that name, a new reference: docs/control.md, `replication`. NULL: it is not protected. */
json_t *wards_tell(const struct wards *wards, const char *name);

/* The names of all, with the numbers of their domains (0: not known). */
void wards_each(const struct wards *wards,
                void (*tell)(const char *name, unsigned int domid, void *data), void *data);

#endif
