/* What two hosts' daemons ask of each other: over real TLS in one loop, with peers that misbehave. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/peers.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c toolstack/config/config.c toolstack/config/reading.c toolstack/control/message.c common/log.c tests/unit/certificates.c tests/unit/peer_config.c common/exempt.c */
/* libs: -lssl -lcrypto -lev -ljansson -lconfig */

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/daemon/peers.h"
#include "replication/transport/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/peer_config.h"
#include "tests/unit/until.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

struct host {
	struct config config;
	struct peers *peers;
	unsigned int requests;
	char asker[CONFIG_NAME_SIZE];
	struct talk *kept; /* answered later */
	unsigned int answers;
	char code[32]; /* of the last answer; "" it is no refusal */
	char message[512];
};

static struct ev_loop *loop;
static struct host a, b;
static uint16_t port;

static void on_request(const char *peer, const json_t *request, struct talk *talk, void *data)
{
	struct host *host = data;
	const char *verb = json_string_value(json_object_get(request, "verb"));

	host->requests++;
	snprintf(host->asker, sizeof(host->asker), "%s", peer);
	if (verb && !strcmp(verb, "keep"))
		host->kept = talk;
	else
		peers_reply(talk, control_success(json_pack("{s:s?}", "said", verb)));
}

static void on_answer(const json_t *reply, void *data)
{
	struct host *host = data;
	const json_t *error;

	host->answers++;
	control_result(reply, &error);
	snprintf(host->code, sizeof(host->code), "%s",
	         error ? json_string_value(json_object_get(error, "code")) : "");
	snprintf(host->message, sizeof(host->message), "%s",
	         error ? json_string_value(json_object_get(error, "message")) : "");
}

static void configure(struct host *host, const char *name, const char *address, const char *peer,
                      const char *peer_address)
{
	char error[CONFIG_ERROR_SIZE];

	assert_int_equal(config_parse(&host->config,
	                              peer_config(name, address, peer, peer_address, port), error),
	                 0);
}

static void open_host(struct host *host)
{
	char why[TRANSPORT_WHY_MAX] = "";

	host->peers = peers_open(loop, &host->config, on_request, host, why);
	if (!host->peers)
		fail_msg("%s", why);
}

static int set_up(void **state)
{
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	port = peer_config_port();
	configure(&a, "a", "127.0.0.1", "b", "127.0.0.2");
	configure(&b, "b", "127.0.0.2", "a", "127.0.0.1");
	open_host(&a);
	open_host(&b);
	return 0;
}

static int tear_down(void **state)
{
	if (a.peers)
		peers_close(a.peers);
	if (b.peers)
		peers_close(b.peers);
	return 0;
}

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
}

#define UNTIL(condition) UNTIL_IN(loop, condition)

static struct talk *ask(const char *peer, const char *verb)
{
	struct talk *talk = peers_ask(a.peers, peer, json_pack("{s:s}", "verb", verb), 60.,
	                              on_answer, &a);

	assert_non_null(talk);
	return talk;
}

static void test_a_question_and_its_answer(void **state)
{
	for (unsigned int i = 1; i <= 3; i++) {
		ask("b", "hello");
		UNTIL(a.answers == i);
		assert_string_equal(a.code, "");
	}
	assert_int_equal(b.requests, 3);
	assert_string_equal(b.asker, "a");
}

static void test_an_answer_that_takes_its_time(void **state)
{
	ask("b", "keep");
	ask("b", "hello");
	UNTIL(b.kept && a.answers == 1);
	peers_reply(b.kept, control_refusal(CONTROL_BLOCKED, "no", "not today"));
	UNTIL(a.answers == 2);
	assert_string_equal(a.code, CONTROL_BLOCKED);
}

static void test_who_asked_has_gone(void **state)
{
	struct talk *talk = ask("b", "keep");

	UNTIL(b.kept);
	peers_drop(talk);
	ask("b", "hello");
	UNTIL(a.answers == 1);
	peers_reply(b.kept, control_success(json_object()));
	ask("b", "hello");
	UNTIL(a.answers == 2);
}

static void test_who_was_asked_dies(void **state)
{
	ask("b", "keep");
	UNTIL(b.kept);
	peers_close(b.peers);
	b.peers = NULL;
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	ask("b", "hello");
	UNTIL(a.answers == 2);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	assert_non_null(strstr(a.message, "refused"));
}

static void test_nobody_of_that_name(void **state)
{
	ask("nobody", "hello");
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	assert_non_null(strstr(a.message, "no peer"));
}

static void test_one_that_does_not_answer(void **state)
{
	peers_ask(a.peers, "b", json_pack("{s:s}", "verb", "keep"), 0.2, on_answer, &a);
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	UNTIL(b.kept);
	peers_reply(b.kept, control_success(json_object()));
}

static void test_a_host_that_is_another(void **state)
{
	/* At b's address is somebody with a certificate of the authority, but not b's. */
	peers_close(b.peers);
	strcpy(b.config.certificate, certificates_path("c.pem"));
	strcpy(b.config.key, certificates_path("c.key"));
	open_host(&b);
	ask("b", "hello");
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	assert_non_null(strstr(a.message, "is not for b"));
	assert_int_equal(b.requests, 0);
}

static void test_a_stranger_is_not_heard(void **state)
{
	/* One of the authority's hosts, but none of b's peers, asks b. */
	peers_close(a.peers);
	strcpy(a.config.certificate, certificates_path("c.pem"));
	strcpy(a.config.key, certificates_path("c.key"));
	open_host(&a);
	ask("b", "hello");
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, CONTROL_NO_PEER);
	assert_int_equal(b.requests, 0);
}

/* Bytes of a peer that has proved its name, and says what is no request. */
struct rude {
	struct connection *connection;
	const char *bytes;
	size_t size;
	char reply[1024];
	size_t used;
	bool is_closed;
};

static void rude_opened(void *user)
{
	struct rude *rude = user;
	struct send_piece piece = { rude->bytes, rude->size, NULL, NULL };

	assert_int_equal(tls_transport.send(rude->connection, &piece, 1), 0);
}

static uint8_t *rude_room(void *user, size_t *size)
{
	struct rude *rude = user;

	*size = sizeof(rude->reply) - 1 - rude->used;
	return (uint8_t *)rude->reply + rude->used;
}

static void rude_filled(void *user, size_t size)
{
	((struct rude *)user)->used += size;
}

static void rude_closed(void *user, int error, const char *why)
{
	((struct rude *)user)->is_closed = true;
}

static void rude_writable(void *user)
{
}

static const struct connection_events rude_events = { .opened = rude_opened,
	                                              .room = rude_room,
	                                              .filled = rude_filled,
	                                              .writable = rude_writable,
	                                              .closed = rude_closed };

static void say(struct rude *rude, const char *bytes, size_t size)
{
	char why[TRANSPORT_WHY_MAX];
	struct transport_settings settings = { .ca = a.config.authority,
		                               .certificate = a.config.certificate,
		                               .key = a.config.key,
		                               .peer = "b",
		                               .queue_max = 1u << 20,
		                               .open_timeout = 60.,
		                               .silence_ms = 60000 };
	struct transport *transport = tls_transport.open(loop, &settings, why);

	*rude = (struct rude){ .bytes = bytes, .size = size };
	rude->connection = tls_transport.connect(transport, "127.0.0.2", port, &rude_events, rude,
	                                         why);
	assert_non_null(rude->connection);
	UNTIL(rude->is_closed);
	tls_transport.free(transport);
}

static void test_what_is_no_request(void **state)
{
	static const char *const lines[] = { "\n", "[]\n", "{\n", "{\"verb\":1}{}\n",
		                             "\xff\xfe\n" };
	static char endless[2 * CONTROL_LINE_MAX];
	struct rude rude;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		say(&rude, lines[i], strlen(lines[i]));
		assert_non_null(strstr(rude.reply, CONTROL_BAD_REQUEST));
	}
	memset(endless, '[', sizeof(endless));
	say(&rude, endless, sizeof(endless));
	assert_int_equal(rude.used, 0);
	assert_int_equal(b.requests, 0);
	/* One line is answered, what lies behind it is not. */
	say(&rude, "{\"verb\":\"x\"}\n{\"verb\":\"y\"}\n", 26);
	assert_int_equal(b.requests, 1);
	ask("b", "hello");
	UNTIL(a.answers == 1);
	assert_string_equal(a.code, "");
}

static void test_certificates_that_are_not_there(void **state)
{
	char why[TRANSPORT_WHY_MAX] = "";

	peers_close(b.peers);
	strcpy(b.config.key, "/nowhere/host.key");
	b.peers = peers_open(loop, &b.config, on_request, &b, why);
	assert_null(b.peers);
	assert_true(*why);
}

static ev_timer tick;

static int make_certificates(void **state)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(loop, &tick);
	certificates_of_two_hosts(state);
	certificates_make("c", "c", "ca", -60, 86400);
	return 0;
}

static int remove_certificates(void **state)
{
	ev_loop_destroy(loop);
	certificates_end();
	return 0;
}

#define PEERS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEERS_TEST(test_a_question_and_its_answer),
		PEERS_TEST(test_an_answer_that_takes_its_time),
		PEERS_TEST(test_who_asked_has_gone),
		PEERS_TEST(test_who_was_asked_dies),
		PEERS_TEST(test_nobody_of_that_name),
		PEERS_TEST(test_one_that_does_not_answer),
		PEERS_TEST(test_a_host_that_is_another),
		PEERS_TEST(test_a_stranger_is_not_heard),
		PEERS_TEST(test_what_is_no_request),
		PEERS_TEST(test_certificates_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
