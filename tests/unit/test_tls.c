/* Two ends in one loop: who is let in, what each refusal says, order, back-pressure, and connections that break. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c tests/unit/certificates.c tests/unit/tls_pair.c */
/* libs: -lssl -lcrypto -lev */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/unit/certificates.h"
#include "tests/unit/tls_pair.h"

static void on_release(void *owner)
{
	(*(int *)owner)++;
}

static uint64_t sum_of(const uint8_t *bytes, size_t size, uint64_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

static void two_ends_know_each_other(void **state)
{
	struct pair *pair = *state;

	open_pair(pair);
	assert_string_equal(OPS->peer(pair->client.connection), "b");
	assert_string_equal(OPS->peer(pair->server.connection), "a");
	OPS->close(pair->client.connection, false);
	pair->client.connection = NULL;
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.error, 0);
	assert_string_equal(pair->server.why, "the peer has closed the connection");
	assert_int_equal(pair->client.closed, 0);
}

static void bytes_come_in_order(void **state)
{
	struct pair *pair = *state;
	uint8_t small[100], *large = malloc(300000);
	uint64_t sum = 0, bytes = 0;
	int lent = 0;

	open_pair(pair);
	for (size_t i = 0; i < 300000; i++)
		large[i] = (uint8_t)(i * 7 + i / 256);
	for (int round = 0; round < 40; round++) {
		struct send_piece pieces[] = { { small, sizeof(small), NULL, NULL },
			                       { large, 300000u - (unsigned)round, on_release,
			                         &pair->client.released },
			                       { small, 3, NULL, NULL } };
		int err;

		memset(small, round, sizeof(small));
		while ((err = OPS->send(pair->client.connection, pieces, 3)) == -EAGAIN)
			ev_run(pair->loop, EVRUN_ONCE);
		assert_int_equal(err, 0);
		sum = sum_of(small, sizeof(small), sum);
		sum = sum_of(large, pieces[1].size, sum);
		sum = sum_of(small, 3, sum);
		bytes += 103 + pieces[1].size;
		lent++;
	}
	UNTIL(pair->server.received == bytes);
	assert_true(pair->server.sum == sum);
	assert_int_equal(pair->client.released, lent);
	assert_int_equal(OPS->queued(pair->client.connection), 0);
	free(large);
}

/* The peer does not read: what is queued stays bounded; when it reads again, all arrives. */
static void a_slow_peer_holds_back_its_sender(void **state)
{
	struct pair *pair = *state;
	static uint8_t block[100000];
	struct send_piece piece = { block, sizeof(block), NULL, NULL };
	uint64_t bytes = 0;
	int refused = 0;

	open_pair(pair);
	OPS->pause(pair->server.connection, true);
	while (refused < 30) {
		if (OPS->send(pair->client.connection, &piece, 1) == 0) {
			bytes += sizeof(block);
			assert_true(bytes < 200u << 20);
		} else {
			refused++;
		}
		assert_true(OPS->queued(pair->client.connection) < QUEUE_MAX + sizeof(block));
		ev_run(pair->loop, EVRUN_NOWAIT);
	}
	OPS->pause(pair->server.connection, false);
	UNTIL(pair->server.received == bytes);
	assert_true(pair->client.writable > 0);
}

static void what_is_queued_goes_before_the_end(void **state)
{
	struct pair *pair = *state;
	static uint8_t block[700000];
	struct send_piece piece = { block, sizeof(block), NULL, NULL };

	open_pair(pair);
	/* The other way there is something that nobody reads. */
	assert_int_equal(OPS->send(pair->server.connection, &piece, 1), 0);
	assert_int_equal(OPS->send(pair->client.connection, &piece, 1), 0);
	OPS->close(pair->client.connection, true);
	pair->client.connection = NULL;
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.received, sizeof(block));
	assert_int_equal(pair->server.error, 0);
}

static void nothing_is_sent_to_who_has_proved_nothing(void **state)
{
	struct pair *pair = *state;
	struct send_piece piece = { "x", 1, NULL, NULL };

	start(pair, "ca", "a", "ca", "b");
	join(pair);
	assert_int_equal(OPS->send(pair->client.connection, &piece, 1), -EPIPE);
}

static void assert_refused(struct pair *pair, const char *client_ca, const char *client,
                           const char *server_ca, const char *server, const char *client_why,
                           const char *server_why)
{
	start(pair, client_ca, client, server_ca, server);
	join(pair);
	UNTIL(pair->client.closed && pair->server.closed);
	assert_string_equal(pair->client.why, client_why);
	assert_string_equal(pair->server.why, server_why);
	assert_int_equal(pair->server.opened, 0);
	assert_int_equal(pair->server.received, 0);
	assert_true(pair->client.error < 0 && pair->server.error < 0);
}

static void a_server_of_another_ca_is_refused(void **state)
{
	assert_refused(*state, "ca", "a", "ca", "b-other",
	               "the certificate of b is not from our CA",
	               "the peer refuses our certificate: it is not from the peer's CA");
}

static void a_client_of_another_ca_is_refused(void **state)
{
	assert_refused(*state, "ca", "a-other", "ca", "b",
	               "the peer refuses our certificate: it is not from the peer's CA",
	               "the certificate of a is not from our CA");
}

static void a_server_of_another_name_is_refused(void **state)
{
	assert_refused(
		*state, "ca", "a", "ca", "c", "the peer's certificate is not for b",
		"the peer refuses our certificate: it is not for the name that the peer expects");
}

static void a_client_of_another_name_is_refused(void **state)
{
	assert_refused(
		*state, "ca", "c", "ca", "b",
		"the peer refuses our certificate: it is not for the name that the peer expects",
		"the peer's certificate is not for a");
}

static void an_expired_server_is_refused(void **state)
{
	assert_refused(*state, "ca", "a", "ca", "b-old",
	               "the certificate of b: certificate has expired",
	               "the peer refuses our certificate: it has expired, by the peer's clock");
}

static void an_expired_client_is_refused(void **state)
{
	assert_refused(*state, "ca", "a-old", "ca", "b",
	               "the peer refuses our certificate: it has expired, by the peer's clock",
	               "the certificate of a: certificate has expired");
}

static void a_certificate_of_tomorrow_is_refused(void **state)
{
	struct pair *pair = *state;

	start(pair, "ca", "a", "ca", "b-new");
	join(pair);
	UNTIL(pair->client.closed && pair->server.closed);
	assert_string_equal(pair->client.why, "the certificate of b: certificate is not yet valid");
}

/* A client of TLS as others have it. */
static void knock(struct pair *pair, int version, const char *certificate)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(pair->port),
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);
	SSL *session;

	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	SSL_CTX_set_max_proto_version(context, version);
	assert_null(certificate);
	session = SSL_new(context);
	SSL_set_fd(session, descriptor);
	SSL_set_connect_state(session);
	ev_run(pair->loop, EVRUN_NOWAIT);
	/* Not blocking, by turns with the loop. */
	assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
	UNTIL(SSL_do_handshake(session) != 2 && pair->server.closed);
	SSL_free(session);
	SSL_CTX_free(context);
	close(descriptor);
}

static void a_client_without_a_certificate_is_refused(void **state)
{
	struct pair *pair = *state;

	start(pair, "ca", "a", "ca", "b");
	knock(pair, TLS1_3_VERSION, NULL);
	assert_string_equal(pair->server.why, "the peer has shown no certificate");
}

static void an_old_tls_is_refused(void **state)
{
	struct pair *pair = *state;

	start(pair, "ca", "a", "ca", "b");
	knock(pair, TLS1_2_VERSION, NULL);
	assert_string_equal(pair->server.why, "the peer does not speak TLS 1.3");
}

static int knock_raw(struct pair *pair, const void *bytes, size_t size)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(pair->port),
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int descriptor = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	if (size)
		assert_int_equal(write(descriptor, bytes, size), size);
	return descriptor;
}

static void garbage_is_refused(void **state)
{
	struct pair *pair = *state;
	static const char text[] = "GET / HTTP/1.0\r\n\r\n";
	int descriptor;

	start(pair, "ca", "a", "ca", "b");
	descriptor = knock_raw(pair, text, sizeof(text) - 1);
	UNTIL(pair->server.closed);
	assert_string_equal(pair->server.why, "the peer does not speak TLS");
	close(descriptor);
}

/* Connects, and then says nothing: half-open for good. */
static void who_says_nothing_is_given_up(void **state)
{
	struct pair *pair = *state;
	struct transport_settings settings = { .ca = certificates_path("ca.pem"),
		                               .certificate = certificates_path("b.pem"),
		                               .key = certificates_path("b.key"),
		                               .peer = "a",
		                               .queue_max = 1,
		                               .open_timeout = 0.2 };
	char why[TRANSPORT_WHY_MAX];
	int descriptor;

	pair->server.transport = OPS->open(pair->loop, &settings, why);
	pair->listener = OPS->listen(pair->server.transport, "127.0.0.1", 0, on_accepted, pair,
	                             why);
	pair->port = OPS->listener_port(pair->listener);
	descriptor = knock_raw(pair, NULL, 0);
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.error, -ETIMEDOUT);
	assert_string_equal(pair->server.why, "it connects, but does not prove who it is");
	close(descriptor);
}

/* More than are allowed at a time: the others are turned away, and it goes on. */
static void many_that_knock_are_bounded(void **state)
{
	struct pair *pair = *state;
	int descriptors[40];

	start(pair, "ca", "a", "ca", "b");
	for (int i = 0; i < 40; i++) {
		descriptors[i] = knock_raw(pair, NULL, 0);
		ev_run(pair->loop, EVRUN_NOWAIT);
	}
	for (int i = 0; i < 40; i++)
		close(descriptors[i]);
	UNTIL(pair->server.closed >= 16);
	join(pair);
	UNTIL(pair->client.opened && pair->server.opened);
}

/* Something in between that passes bytes on until it is told to do something to them. */
struct between {
	int client, server, listener;
	bool is_cut, is_changed;
};

static bool pass(int from, int to, const struct between *between)
{
	uint8_t bytes[65536];
	ssize_t size = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (size <= 0)
		return size < 0 && errno == EAGAIN;
	if (between->is_changed)
		bytes[size - 1] ^= 1;
	return send(to, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

static void join_between(struct pair *pair, struct between *between)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	char why[TRANSPORT_WHY_MAX];

	between->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(between->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(between->listener, 1), 0);
	getsockname(between->listener, (struct sockaddr *)&address, &size);
	pair->client.connection = OPS->connect(pair->client.transport, "127.0.0.1",
	                                       ntohs(address.sin_port), &events, &pair->client,
	                                       why);
	between->client = accept(between->listener, NULL, NULL);
	between->server = knock_raw(pair, NULL, 0);
}

static bool pass_both(struct between *between)
{
	return pass(between->client, between->server, between) &&
	       pass(between->server, between->client, between);
}

static void leave_between(struct between *between)
{
	close(between->client);
	close(between->server);
	close(between->listener);
}

static void a_connection_that_is_cut_off_is_no_orderly_end(void **state)
{
	struct pair *pair = *state;
	struct between between = { 0 };

	start(pair, "ca", "a", "ca", "b");
	join_between(pair, &between);
	UNTIL(pass_both(&between) && pair->client.opened && pair->server.opened);
	shutdown(between.server, SHUT_WR);
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.error, -ECONNRESET);
	assert_string_equal(pair->server.why, "the connection was cut off");
	leave_between(&between);
}

static void bytes_that_were_changed_are_refused(void **state)
{
	struct pair *pair = *state;
	struct between between = { 0 };
	struct send_piece piece = { "hello", 5, NULL, NULL };

	start(pair, "ca", "a", "ca", "b");
	join_between(pair, &between);
	UNTIL(pass_both(&between) && pair->client.opened && pair->server.opened);
	between.is_changed = true;
	assert_int_equal(OPS->send(pair->client.connection, &piece, 1), 0);
	UNTIL((pass_both(&between) || true) && pair->server.closed);
	assert_int_equal(pair->server.received, 0);
	assert_int_equal(pair->server.error, -EPROTO);
	leave_between(&between);
}

static void nobody_listens(void **state)
{
	struct pair *pair = *state;

	start(pair, "ca", "a", "ca", "b");
	OPS->unlisten(pair->listener);
	pair->listener = NULL;
	join(pair);
	UNTIL(pair->client.closed);
	assert_int_equal(pair->client.error, -ECONNREFUSED);
}

static void bad_settings_are_named(void **state)
{
	struct pair *pair = *state;
	char why[TRANSPORT_WHY_MAX], expected[TRANSPORT_WHY_MAX];

	assert_null(open_end(pair->loop, "none", "a", "b", why));
	snprintf(expected, sizeof(expected), "CA certificate %s: No such file or directory",
	         certificates_path("none.pem"));
	assert_string_equal(why, expected);
	assert_null(open_end(pair->loop, "ca", "none", "b", why));
	assert_memory_equal(why, "certificate /", 13);
	start(pair, "ca", "a", "ca", "b");
	assert_null(
		OPS->connect(pair->client.transport, "localhost", 1, &events, &pair->client, why));
	assert_string_equal(why, "localhost is not a numeric address");
	assert_null(OPS->listen(pair->server.transport, "127.0.0.1", pair->port, on_accepted, pair,
	                        why));
	snprintf(expected, sizeof(expected),
	         "listening at 127.0.0.1 port %u: Address already in use", pair->port);
	assert_string_equal(why, expected);
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int make_certificates(void **state)
{
	certificates_of_two_hosts(state);
	certificates_make_ca("other");
	certificates_make("c", "c", "ca", -60, 86400);
	certificates_make("a-other", "a", "other", -60, 86400);
	certificates_make("b-other", "b", "other", -60, 86400);
	certificates_make("a-old", "a", "ca", -7200, -3600);
	certificates_make("b-old", "b", "ca", -7200, -3600);
	certificates_make("b-new", "b", "ca", 3600, 7200);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TLS_TEST(two_ends_know_each_other),
		TLS_TEST(bytes_come_in_order),
		TLS_TEST(a_slow_peer_holds_back_its_sender),
		TLS_TEST(what_is_queued_goes_before_the_end),
		TLS_TEST(nothing_is_sent_to_who_has_proved_nothing),
		TLS_TEST(a_server_of_another_ca_is_refused),
		TLS_TEST(a_client_of_another_ca_is_refused),
		TLS_TEST(a_server_of_another_name_is_refused),
		TLS_TEST(a_client_of_another_name_is_refused),
		TLS_TEST(an_expired_server_is_refused),
		TLS_TEST(an_expired_client_is_refused),
		TLS_TEST(a_certificate_of_tomorrow_is_refused),
		TLS_TEST(a_client_without_a_certificate_is_refused),
		TLS_TEST(an_old_tls_is_refused),
		TLS_TEST(garbage_is_refused),
		TLS_TEST(who_says_nothing_is_given_up),
		TLS_TEST(many_that_knock_are_bounded),
		TLS_TEST(a_connection_that_is_cut_off_is_no_orderly_end),
		TLS_TEST(bytes_that_were_changed_are_refused),
		TLS_TEST(nobody_listens),
		TLS_TEST(bad_settings_are_named),
	};

	return cmocka_run_group_tests(tests, make_certificates, certificates_remove);
}
