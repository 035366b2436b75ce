/* Two hosts' daemons in one process: real TLS between them, real processes, workers that replicate nothing. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_TWO_HOSTS_H
#define TESTS_UNIT_TWO_HOSTS_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fencing/guard/guard.h"
#include "replication/daemon/ward.h"
#include "tests/unit/fake_worker.h"
#include "tests/unit/until.h"
#include "toolstack/control/message.h"
#include "toolstack/control/server.h"

#define WEB     "00112233-4455-6677-8899-aabbccddeeff"
#define PROTECT "{\"verb\":\"protect\",\"vm\":\"web\",\"to\":\"b\"}\n"

struct daemon {
	struct fake_host fake;
	struct wards *wards;
	struct guard_shared shared; /* of arbiters; cluster NULL: there are none */
	uint32_t number;            /* in the cluster */
	bool has_stopped;
	/* The operator: a client of a real control socket. */
	struct control_server *control;
	char socket[96], events[96];
	json_t *reply; /* to the last order; NULL: not yet */
	char line[CONTROL_LINE_MAX];
};

extern struct ev_loop *loop;
/* Host a runs the domain 7, called web; b is its peer. */
extern struct daemon a, b;

#define UNTIL(condition) UNTIL_IN(loop, condition)

/* Writes its configuration anew, with that (of sed) in the place of that, and has it read. */
void change_config(const struct daemon *daemon, const char *from, const char *to);

/* For a group: the loop, certificates. */
int hosts_begin(void **state);
int hosts_end(void **state);

/* For a test: both daemons, that hear each other. */
int hosts_set_up(void **state);
int hosts_tear_down(void **state);
/* The same with a cluster, whose arbiters decide. */
int hosts_set_up_cluster(void **state);
int hosts_tear_down_cluster(void **state);

void daemon_open(struct daemon *daemon);
void daemon_close(struct daemon *daemon);

/* The code of the refusal of a line, "" if it was done; the reply is kept. */
const char *order(struct daemon *daemon, const char *line);

/* Sends a line, and does not listen. */
void daemon_ask(const struct daemon *daemon, const char *line);

const char *text(const json_t *object, const char *field);
/* The word for what web is on that host; "" it is not protected. */
const char *state_of(const struct daemon *daemon);
#define UNTIL_STATE(daemon, word) UNTIL(!strcmp(state_of(daemon), word))

/* Whether that has happened to web there. */
bool has_happened(const struct daemon *daemon, const char *event);

/* Orders it, and waits until it is. */
void protect(void);
/* Its arbiter says so. */
bool is_protected(const struct daemon *daemon);
/* The same with arbiters, and until its standby may take over. */
void protect_with_arbiters(void);
/* Either host may run web, and tell of it. */
void allow_both_hosts(void);

/* The process of web's worker. */
int pid_of(const struct daemon *daemon);

#endif
