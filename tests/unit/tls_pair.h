/* Two ends of a TLS connection in one loop. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_TLS_PAIR_H
#define TESTS_UNIT_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replication/transport/tls.h"
#include "tests/unit/until.h"

#define OPS       (&tls_transport)
#define QUEUE_MAX (1u << 20)
#define ROOM      65536u

struct end {
	struct transport *transport;
	struct connection *connection;
	int opened, closed, writable, released, error;
	bool is_reading_slowly;
	uint64_t received, sum; /* of bytes by place, so that order counts */
	char why[TRANSPORT_WHY_MAX];
	uint8_t room[ROOM];
};

extern const struct connection_events events; /* fill in a struct end */

struct pair {
	struct ev_loop *loop;
	struct listener *listener;
	uint16_t port;
	struct end client, server;
};

#define UNTIL(condition) UNTIL_IN(pair->loop, condition)

const struct connection_events *on_accepted(void *context, struct connection *connection,
                                            void **user);
struct transport *open_end(struct ev_loop *loop, const char *ca, const char *who, const char *peer,
                           char *why);

/* A listener with b's certificate or another, and a client; both know each other by the names a and b. */
void start(struct pair *pair, const char *client_ca, const char *client, const char *server_ca,
           const char *server);
void join(struct pair *pair);
int set_up(void **state);
int tear_down(void **state);
void open_pair(struct pair *pair);

#endif
