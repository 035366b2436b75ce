/* One protected VM on one of its two hosts: what the files of the daemon share. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   primary     NEW --agreed--> WORKING <----- asked, agreed ----- ASKING <--- the VM is back ---.
 *                                  |  `-- another domid, ended ----> ^ `---- no VM of that name --> ABSENT
 *                                  `---------------------- no VM of that name ---------------------> ^
 *   standby     WAITING --the primary asks--> WORKING --activate--> TAKING --it runs--> ASKING (as a primary)
 *                  ^------- worker ended --------'  ^--- refused -----'
 *   either      --unprotected--> LEAVING --> gone;     BROKEN: its file cannot be read
 *
 *  NEW      nothing is durable yet; what the peer says is the answer to who ordered it
 *  ABSENT   it should be protected, and does not run: an alarm
 *  ASKING   runs unprotected; the peer is asked to prepare a standby, again and again
 *  WORKING  its worker is on: what that does, its status tells
 *  WAITING  is to be the standby, and waits until it is asked to prepare
 *  TAKING   the copy is being activated; the file says primary already
 *  LEAVING  the peer is told to forget, held output is released, the worker ended
 */

#ifndef REPLICATION_DAEMON_WARD_H
#define REPLICATION_DAEMON_WARD_H

#include <limits.h>

#include "common/states.h"
#include "fencing/guard/guard.h"
#include "replication/daemon/child.h"
#include "replication/daemon/chronicle.h"
#include "replication/daemon/peers.h"
#include "replication/daemon/program.h"
#include "replication/daemon/wards.h"
#include "replication/daemon/worker_file.h"
#include "replication/daemon/worker_link.h"

enum ward_state {
	WARD_NEW,
	WARD_ABSENT,
	WARD_ASKING,
	WARD_WORKING,
	WARD_WAITING,
	WARD_TAKING,
	WARD_LEAVING,
	WARD_BROKEN,
	WARD_STATES
};

struct ward {
	struct ward *next;
	struct wards *wards;
	struct protection is; /* as in the ledger, but for NEW; of a BROKEN one, the name alone */
	struct machine machine;
	ev_tstamp since; /* it is in this state */

	struct worker_paths paths;
	struct child child;
	struct worker_link *link; /* NULL: no worker is on */
	char program[PATH_MAX], who[96];
	json_t *listing;     /* what xl printed of it on the primary's host; NULL: not asked yet */
	bool is_listing_new; /* and not durable */
	bool is_unsaved;     /* what is durable is not what it is */
	bool is_removing;    /* LEAVING: its file */
	bool has_run;        /* on this host, since it was booted */
	bool is_wanted;      /* the worker: started again, with a new file, when it has ended */
	json_t *status;      /* the worker's last; NULL: none yet */
	int64_t status_ms;   /* when that was told, of a clock that only goes on */
	json_t *progress;    /* of its first copy, as it told last */
	bool is_asked;       /* its status, and it has not answered yet */
	ev_tstamp lonely_at; /* a worker that had no peer until then needs one prepared anew */

	ev_tstamp ask_at; /* primary: the peer is asked then */
	double backoff;
	struct program_run *run;       /* xl, */
	struct talk *talk;             /* and the peer, of an attempt under way */
	json_t *refusal;               /* of the last attempt; NULL: it was agreed to */
	char why[PROTECTION_WHY_SIZE]; /* BROKEN */

	/* With an arbiter: */
	struct guard *guard; /* NULL: the operator decides */
	enum ward_output { WARD_OUTPUT_HELD, WARD_OUTPUT_LEASE, WARD_OUTPUT_SOLO } output;
	uint64_t lease; /* output that was acknowledged may leave until then */
	bool is_free;   /* SOLO was told to a worker */
	bool is_fresh;  /* it was started from its disk, and nothing of it can be held */
	struct program_run *starting;
	bool is_syncing; /* a standby is being made for the round */
	struct right sync;
	struct worker_link *flushing; /* a switchover's: other words must not wait behind it */
	bool is_dropping;             /* what is here of the VM is being destroyed */
	bool is_over;                 /* the guard has ended the protection */
	const char *alarm;            /* its last word; NULL: none */

	/* What its other host is asked, or is to be told, beside attempts: */
	struct errand *errands; /* what operators wait for */
	struct talk *telling;   /* of settings that were changed */
	bool is_tell_due;
	ev_tstamp tell_at;

	const char *noted; /* the state that was noted last; NULL: none yet */
	bool is_off_noted; /* that its other host was fenced */

	struct control_later *later; /* the operator's order that is under way */
	bool is_forced, is_released; /* LEAVING */
	ev_tstamp until;             /* then the operator is told that it takes longer */
	struct protection before;    /* TAKING: what it was */
};

struct wards {
	struct wards_settings settings;
	struct config config;
	bool has_config;
	char config_why[CONFIG_ERROR_SIZE];
	int ledger;
	struct writer *scribe;  /* of the ledger */
	struct saving *savings; /* under way */
	struct promise *promises;
	struct peers *peers; /* NULL: not open, for there is no configuration, or no certificates */
	char peers_why[TRANSPORT_WHY_MAX];
	ev_timer tick, retry;
	struct chronicle *chronicle;
	struct ward *first;
	bool is_stopping;
	uint32_t watched; /* seconds of the hypervisor's watchdog that is armed; 0: none is */
	int watchdog_err;
};

/* --- ward.c: any --- */

struct ward *ward_new(struct wards *wards, const struct protection *protection,
                      enum ward_state state);
/* Its worker must not be on. */
void ward_free(struct ward *ward);
enum ward_state ward_state(const struct ward *ward);
bool ward_is(const struct ward *ward, enum protection_role role);
void ward_move(struct ward *ward, enum ward_state state, const char *cause);
/* Answers who ordered what is under way; takes over the reply. */
void ward_answer(struct ward *ward, json_t *reply);
/* Have the worker on, as `is` says: started, or ended and started anew. */
void ward_work(struct ward *ward);
/* Have it end; true: ward_ended() will follow. */
bool ward_rest(struct ward *ward);
/* The worker's word for its state; "" it has said nothing yet. */
const char *ward_worker_state(const struct ward *ward);
bool ward_is_connected(const struct ward *ward);
/* Asks the worker for its status, unless that is under way. */
void ward_look(struct ward *ward);

/* --- primary_ward.c --- */

void primary_ward_tick(struct ward *ward);
void primary_ward_ended(struct ward *ward); /* its worker has, by itself */
void primary_ward_ask(struct ward *ward);
void ward_forget_attempt(struct ward *ward);

/* --- save_ward.c --- */

int wards_save_open(struct wards *wards);
void wards_save_close(struct wards *wards); /* when no ward is left; waits for the disk */

/*
 * As it is now it becomes durable, in the order in which that is asked for. A failure is logged, and it is tried again each
 * second. done may be NULL; it is called once, with 0 or a negative errno, later, or from here if there is no memory.
 */
void ward_save(struct ward *ward, void (*done)(void *data, int err), void *data);
/* The same of its file's removal. */
void ward_remove(struct ward *ward, void (*done)(void *data, int err), void *data);
/* When all is done that was asked for before: ward->is_unsaved says of whom it has failed. */
void wards_when_saved(struct wards *wards, void (*done)(void *data, int err), void *data);
/* Its configuration, to go along with the next ward_save(). */
void ward_keep(struct ward *ward, json_t *listing);
/* done() with this ward as its data is not called any more. */
void ward_save_leave(struct ward *ward);

/* --- start_ward.c --- */

/* The VM runs on this host: kept until that is booted. */
void ward_note_run(struct ward *ward);
/* Starts it from its disk, unless it runs, or has run since this host was booted: then somebody has ended it. The guard is
 * told. */
void ward_start(struct ward *ward);
void ward_start_leave(struct ward *ward); /* what is under way goes on, and nobody is told */

/* --- guarded_ward.c --- */

/* 0 or guard_open()'s error, which is logged; nothing if it has one. */
int guarded_ward_open(struct ward *ward);
/* Of one that is to be protected from now on: NULL, or why it cannot be. */
json_t *guarded_ward_protect(struct ward *ward);
/* The configuration has other agents or times. */
void guarded_ward_reconfigure(struct ward *ward);
void guarded_ward_close(struct ward *ward);
void guarded_ward_opened(struct ward *ward); /* the link to its worker */
void guarded_ward_event(struct ward *ward, const json_t *event);
void guarded_ward_refused(struct ward *ward);
bool guarded_ward_is_letting_go(const struct ward *ward);
void guarded_ward_tick(struct ward *ward);

/* --- leaving_ward.c --- */

void leaving_ward_begin(struct ward *ward, bool is_forced, struct control_later *later);
void leaving_ward_tick(struct ward *ward);
void leaving_ward_ended(struct ward *ward);

/* --- standby_ward.c --- */

void standby_ward_tick(struct ward *ward);
void standby_ward_ended(struct ward *ward);
void standby_ward_activate(struct ward *ward, struct control_later *later);
/* What a peer asks. */
json_t *standby_prepare(struct wards *wards, const char *peer, const json_t *request);
json_t *standby_forget(struct wards *wards, const char *peer, const json_t *request);

/* --- settings_ward.c --- */

/* Reads what is said of them into *settings: NULL, or the refusal; they may then have changed in part. */
json_t *settings_read(struct config_vm_defaults *settings, const struct wards_change *change);
void settings_ward_tick(struct ward *ward);
void settings_ward_forget(struct ward *ward); /* who is told just now */
/* What a peer asks: the standby here is to go on with these. */
json_t *settings_keep(struct wards *wards, const char *peer, const json_t *request);

/* --- errand_ward.c --- */

void errand_ward_forget(struct ward *ward);
/* What a peer asks. */
json_t *errand_tell(struct wards *wards, const char *peer, const json_t *request);
json_t *errand_switch_over(struct wards *wards, const char *peer, const json_t *request);

/* --- tell_ward.c --- */

json_t *ward_tell(const struct ward *ward);
/* The word for what it is, and why that is an alarm (NULL: it is none). */
const char *ward_verdict(const struct ward *ward, const char **alarm);

/* --- note_ward.c: what is kept of what happens to it, and said in the log --- */

void ward_note(struct ward *ward, const char *event, const char *text);
/* Its word is another one than when this was called last, or its host was fenced. */
void ward_note_state(struct ward *ward);
void ward_note_alarm(struct ward *ward, enum alarm alarm);

/* --- orders.c --- */

/* The VM's ward; NULL, and the order is refused: there is none. */
struct ward *wards_known(const struct wards *wards, const char *vm, struct control_later *later);
/* The VM's ward, if an order may be given for it now; else NULL, and it is refused. */
struct ward *wards_ordered(struct wards *wards, const char *vm, struct control_later *later);

/* --- watchdog.c --- */

/* Arms the hypervisor's watchdog if a ward of this host relies on it, or disarms it. */
void wards_watch(struct wards *wards);

/* --- wards.c --- */

struct ward *wards_find(const struct wards *wards, const char *name);
/* Corosync answers: there can be arbiters. */
bool wards_have_cluster(const struct wards *wards);
double wards_now(const struct wards *wards);
/* So many seconds from now, by settings.second. */
double wards_in(const struct wards *wards, double seconds);

#endif
