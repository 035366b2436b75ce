/* The control socket: what is refused, what is answered, clients that misbehave. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/control/answer.c toolstack/control/message.c toolstack/control/server.c toolstack/control/client.c toolstack/control/codes.c common/log.c */
/* libs: -ljansson -lev -lpthread */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/control/server.h"

static json_t *serve_echo(const json_t *request, void *data)
{
	(*(unsigned int *)data)++;
	return control_success(json_pack("{s:O}", "said", json_object_get(request, "vm")));
}

static json_t *serve_much(const json_t *request, void *data)
{
	char text[60000];

	(void)request;
	(void)data;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	return control_success(json_string(text));
}

/* As long as a list of a host's VMs may be. */
static json_t *serve_all(const json_t *request, void *data)
{
	static char text[900000];

	memset(text, 'x', sizeof(text) - 1);
	return control_success(json_string(text));
}

/* Answered when the next one of its kind comes, which is answered at once. */
static struct control_later *waiting;

static void begin_wait(const json_t *request, void *data, struct control_later *later)
{
	if (waiting)
		control_reply(waiting, control_success(json_string("waited")));
	waiting = waiting ? NULL : later;
	if (!waiting)
		control_reply(later, control_success(json_string("at once")));
}

static struct control_server *serving;

static json_t *serve_watch(const json_t *request, void *data)
{
	control_watch(serving);
	return control_success(json_object());
}

static json_t *serve_tell(const json_t *request, void *data)
{
	control_tell(serving, json_pack("{s:s, s:O}", "event", "told", "number",
	                                json_object_get(request, "number")));
	return control_success(json_object());
}

static const char *const number_field[] = { "#number", NULL };
static const char *const vm_field[] = { "vm", NULL };
static const char *const no_fields[] = { NULL };
static const struct control_verb verbs[] = {
	{ .name = "echo", .fields = vm_field, .serve = serve_echo },
	{ .name = "much", .fields = no_fields, .serve = serve_much },
	{ .name = "all", .fields = no_fields, .serve = serve_all },
	{ .name = "wait", .fields = no_fields, .begin = begin_wait },
	{ .name = "watch", .fields = no_fields, .serve = serve_watch },
	{ .name = "tell", .fields = number_field, .serve = serve_tell },
	{ 0 },
};

/* The code with which a line is refused; "" if it is not. */
static const char *code_of(const char *line, size_t length)
{
	static char code[32];
	unsigned int calls = 0;
	struct control_later *later = NULL;
	json_t *reply = control_answer(verbs, &calls, line, length, &later);
	const json_t *error;

	assert_non_null(reply);
	control_result(reply, &error);
	snprintf(code, sizeof(code), "%s",
	         error ? json_string_value(json_object_get(error, "code")) : "");
	assert_int_equal(calls, *code ? 0 : 1);
	json_decref(reply);
	return code;
}

static void test_lines_that_are_no_request(void **state)
{
	static const char *const lines[] = {
		"",
		"{",
		"[]",
		"null",
		"\"echo\"",
		"{}",
		"{\"verb\":1}",
		"{\"verb\":null}",
		"{\"verb\":\"echo\",\"verb\":\"much\"}",
		"{\"verb\":\"echo\"} {}",
		"{\"verb\":\"echo\",\"vm\":7}",
		"{\"verb\":\"echo\",\"host\":\"b\"}",
		"{\"verb\":\"echo\",\"vm\":\"\xff\xfe\"}",
		"{\"verb\":\"ec\\u0000ho\"}",
	};

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_string_equal(code_of(lines[i], strlen(lines[i])), CONTROL_BAD_REQUEST);
	assert_string_equal(code_of("{\"verb\":\"no\"}", 13), CONTROL_UNKNOWN_VERB);
	assert_string_equal(code_of("{\"verb\":\"echo\",\"vm\":\"a\"}", 24), "");
}

static void test_deep_nesting_is_refused(void **state)
{
	static char line[CONTROL_LINE_MAX];

	memset(line, '[', sizeof(line));
	assert_string_equal(code_of(line, sizeof(line)), CONTROL_BAD_REQUEST);
}

static void test_replies_that_are_none(void **state)
{
	static const char *const lines[] = { "{}", "{\"ok\":1}", "{\"ok\":false}", "{\"ok\":true}",
		                             "{\"ok\":false,\"error\":{\"code\":\"x\"}}" };
	const json_t *error;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		json_t *reply = control_parse(lines[i], strlen(lines[i]));

		assert_non_null(reply);
		assert_null(control_result(reply, &error));
		assert_null(error);
		json_decref(reply);
	}
}

static void test_exit_status_of_codes(void **state)
{
	assert_int_equal(control_exit_of(CONTROL_NO_SUCH_VM), CONTROL_EXIT_NO_VM);
	assert_int_equal(control_exit_of(CONTROL_FAILED), CONTROL_EXIT_FAILED);
	assert_int_equal(control_exit_of("of-a-newer-daemon"), CONTROL_EXIT_FAILED);
}

/* A server in a thread of its own, as remusd is a process of its own. */
struct daemon {
	char folder[32], path[64];
	struct ev_loop *loop;
	struct control_server *server;
	ev_async stop;
	unsigned int calls;
	pthread_t thread;
};

static void on_stop(struct ev_loop *loop, ev_async *async, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void *run_loop(void *data)
{
	ev_run(((struct daemon *)data)->loop, 0);
	return NULL;
}

static int start_daemon(void **state)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	strcpy(daemon->folder, "/tmp/test_control.XXXXXX");
	assert_non_null(mkdtemp(daemon->folder));
	snprintf(daemon->path, sizeof(daemon->path), "%s/control", daemon->folder);
	daemon->loop = ev_loop_new(EVFLAG_AUTO);
	daemon->server = control_serve(daemon->loop, daemon->path, verbs, &daemon->calls);
	assert_non_null(daemon->server);
	serving = daemon->server;
	ev_async_init(&daemon->stop, on_stop);
	ev_async_start(daemon->loop, &daemon->stop);
	assert_int_equal(pthread_create(&daemon->thread, NULL, run_loop, daemon), 0);
	*state = daemon;
	return 0;
}

static int stop_daemon(void **state)
{
	struct daemon *daemon = *state;

	ev_async_send(daemon->loop, &daemon->stop);
	pthread_join(daemon->thread, NULL);
	control_server_free(daemon->server);
	ev_loop_destroy(daemon->loop);
	assert_int_not_equal(access(daemon->path, F_OK), 0);
	assert_int_equal(rmdir(daemon->folder), 0);
	free(daemon);
	return 0;
}

static int dial(const struct daemon *daemon)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, daemon->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void ask_echo(const struct daemon *daemon)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "echo", "vm", "w\xc3\xa4hler");
	json_t *reply = control_ask(daemon->path, request, 10);
	const json_t *error;
	const json_t *result = control_result(reply, &error);

	assert_string_equal(json_string_value(json_object_get(result, "said")), "w\xc3\xa4hler");
	json_decref(reply);
	json_decref(request);
}

static void test_a_question_and_its_answer(void **state)
{
	struct daemon *daemon = *state;
	struct stat facts;

	ask_echo(daemon);
	assert_int_equal(daemon->calls, 1);
	assert_int_equal(stat(daemon->path, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

static void test_lines_in_pieces_and_in_a_heap(void **state)
{
	const char *text = "{\"verb\":\"echo\",\"vm\":\"a\"}\n{\"verb\":\"echo\",\"vm\":\"b\"}\n";
	char reply[256];
	size_t used = 0;
	int fd = dial(*state);

	for (const char *at = text; *at; at++)
		assert_int_equal(send(fd, at, 1, 0), 1);
	while (used < sizeof(reply) - 1 && !strstr(reply, "\"b\"")) {
		ssize_t got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0);

		assert_true(got > 0);
		used += (size_t)got;
		reply[used] = 0;
	}
	assert_true(strstr(reply, "\"a\"") < strstr(reply, "\"b\""));
	close(fd);
}

/* Reads until the other end closes; how much came. */
static size_t drain(int fd, char *last, size_t size)
{
	char piece[4096];
	size_t total = 0;
	ssize_t got;

	while ((got = recv(fd, piece, sizeof(piece), 0)) > 0) {
		size_t kept = (size_t)got < size ? (size_t)got : size - 1;

		memcpy(last, piece, kept);
		last[kept] = 0;
		total += (size_t)got;
	}
	return total;
}

static void test_a_reply_may_be_long(void **state)
{
	const struct daemon *daemon = *state;
	json_t *request = json_pack("{s:s}", "verb", "all");
	json_t *reply = control_ask(daemon->path, request, 60);
	const json_t *error;

	assert_int_equal(json_string_length(control_result(reply, &error)), 899999);
	json_decref(reply);
	json_decref(request);
}

static void test_a_line_too_long_ends_the_connection(void **state)
{
	static char line[CONTROL_LINE_MAX];
	char reply[512];
	int fd = dial(*state);

	memset(line, ' ', sizeof(line));
	assert_int_equal(send(fd, line, sizeof(line), 0), sizeof(line));
	assert_true(drain(fd, reply, sizeof(reply)) > 0);
	assert_non_null(strstr(reply, CONTROL_BAD_REQUEST));
	close(fd);
	ask_echo(*state);
}

static void test_a_client_that_does_not_read_is_dropped(void **state)
{
	int fd = dial(*state);
	ssize_t sent;

	do
		sent = send(fd, "{\"verb\":\"much\"}\n", 16, MSG_NOSIGNAL);
	while (sent > 0);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(fd);
	ask_echo(*state);
}

/* What comes behind a question that takes its time is answered behind it. */
static void test_an_answer_that_takes_its_time(void **state)
{
	static const char wait[] = "{\"verb\":\"wait\"}\n",
			  echo[] = "{\"verb\":\"echo\",\"vm\":\"a\"}\n";
	char reply[512] = "";
	size_t used = 0;
	int fd = dial(*state), other;

	assert_int_equal(send(fd, wait, strlen(wait), 0), strlen(wait));
	assert_int_equal(send(fd, echo, strlen(echo), 0), strlen(echo));
	ask_echo(*state);
	usleep(50000);
	assert_int_equal(recv(fd, reply, sizeof(reply), MSG_DONTWAIT), -1);
	other = dial(*state);
	assert_int_equal(send(other, wait, strlen(wait), 0), strlen(wait));
	assert_true(recv(other, reply, sizeof(reply), 0) > 0);
	assert_non_null(strstr(reply, "at once"));
	memset(reply, 0, sizeof(reply));
	while (!strstr(reply, "said")) {
		ssize_t got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0);

		assert_true(got > 0);
		used += (size_t)got;
	}
	assert_true(strstr(reply, "waited") < strstr(reply, "said"));
	close(fd);
	close(other);
}

/* Sends a line and reads until the text has come. */
static void expect(int fd, const char *line, const char *text)
{
	char reply[1024] = "";
	size_t used = 0;

	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	while (!strstr(reply, text)) {
		ssize_t got = recv(fd, reply + used, sizeof(reply) - 1 - used, 0);

		assert_true(got > 0);
		used += (size_t)got;
		reply[used] = 0;
	}
}

static void test_events_are_told_to_those_who_watch(void **state)
{
	int hears = dial(*state), tells = dial(*state), gone = dial(*state);

	expect(hears, "{\"verb\":\"watch\"}\n", "true");
	expect(gone, "{\"verb\":\"watch\"}\n", "true");
	close(gone);
	expect(tells, "{\"verb\":\"tell\",\"number\":7}\n", "true");
	expect(hears, "", "{\"event\":\"told\",\"number\":7}\n");
	/* Also to who is being served, and while it waits for an answer. */
	expect(hears, "{\"verb\":\"tell\",\"number\":8}\n", "{\"event\":\"told\",\"number\":8}\n");
	expect(hears, "{\"verb\":\"wait\"}\n", "");
	expect(tells, "{\"verb\":\"tell\",\"number\":9}\n", "true");
	expect(hears, "", "{\"event\":\"told\",\"number\":9}\n");
	expect(tells, "{\"verb\":\"wait\"}\n", "at once");
	close(tells);
	close(hears);
}

static void test_numbers_are_whole_and_not_negative(void **state)
{
	static const char *const wrong[] = { "-1", "1.5", "\"1\"", "true", "null" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char line[64];
		int length = snprintf(line, sizeof(line), "{\"verb\":\"tell\",\"number\":%s}",
		                      wrong[i]);

		assert_string_equal(code_of(line, (size_t)length), CONTROL_BAD_REQUEST);
	}
}

/* Who does not wait for it is forgotten; the answer goes nowhere. */
static void test_a_client_that_goes_before_its_answer(void **state)
{
	static const char wait[] = "{\"verb\":\"wait\"}\n";
	char reply[512];
	int fd = dial(*state), other;

	assert_int_equal(send(fd, wait, strlen(wait), 0), strlen(wait));
	ask_echo(*state);
	close(fd);
	ask_echo(*state);
	other = dial(*state);
	assert_int_equal(send(other, wait, strlen(wait), 0), strlen(wait));
	assert_true(recv(other, reply, sizeof(reply), 0) > 0);
	close(other);
}

static void test_more_clients_than_places(void **state)
{
	int fds[CONTROL_CLIENTS_MAX];

	for (unsigned int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = dial(*state);
	close(fds[7]);
	ask_echo(*state);
	for (unsigned int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (i != 7)
			close(fds[i]);
	}
}

static void expect_refusal(const char *path, const char *code)
{
	json_t *request = json_pack("{s:s}", "verb", "echo");
	json_t *reply = control_ask(path, request, 1);
	const json_t *error;

	assert_null(control_result(reply, &error));
	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	json_decref(reply);
	json_decref(request);
}

static void test_nobody_there(void **state)
{
	char path[300];

	expect_refusal("/nowhere/control", CONTROL_NO_DAEMON);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	expect_refusal(path, CONTROL_NO_DAEMON);
}

/* A peer that accepts, and says what it was given, or nothing. */
static void *mumble(void *data)
{
	int *fds = data;
	int fd = accept(fds[0], NULL, NULL);
	char request[256];

	recv(fd, request, sizeof(request), 0);
	if (fds[1])
		send(fd, "{\"ok\":true", 10, 0);
	else
		usleep(1500000);
	close(fd);
	return NULL;
}

static void ask_mumbler(bool says_something)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/test_control.XXXXXX";
	int fds[2] = { socket(AF_UNIX, SOCK_STREAM, 0), says_something };
	pthread_t thread;

	assert_non_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", folder);
	assert_int_equal(bind(fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fds[0], 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, mumble, fds), 0);
	expect_refusal(address.sun_path, CONTROL_BAD_REPLY);
	pthread_join(thread, NULL);
	close(fds[0]);
	unlink(address.sun_path);
	rmdir(folder);
}

static void test_a_daemon_that_hangs_or_mumbles(void **state)
{
	ask_mumbler(true);
	ask_mumbler(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_that_are_no_request),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_replies_that_are_none),
		cmocka_unit_test(test_exit_status_of_codes),
		cmocka_unit_test_setup_teardown(test_a_question_and_its_answer, start_daemon,
		                                stop_daemon),
		cmocka_unit_test_setup_teardown(test_lines_in_pieces_and_in_a_heap, start_daemon,
		                                stop_daemon),
		cmocka_unit_test_setup_teardown(test_a_reply_may_be_long, start_daemon,
		                                stop_daemon),
		cmocka_unit_test_setup_teardown(test_a_line_too_long_ends_the_connection,
		                                start_daemon, stop_daemon),
		cmocka_unit_test_setup_teardown(test_a_client_that_does_not_read_is_dropped,
		                                start_daemon, stop_daemon),
		cmocka_unit_test(test_numbers_are_whole_and_not_negative),
		cmocka_unit_test_setup_teardown(test_events_are_told_to_those_who_watch,
		                                start_daemon, stop_daemon),
		cmocka_unit_test_setup_teardown(test_an_answer_that_takes_its_time, start_daemon,
		                                stop_daemon),
		cmocka_unit_test_setup_teardown(test_a_client_that_goes_before_its_answer,
		                                start_daemon, stop_daemon),
		cmocka_unit_test_setup_teardown(test_more_clients_than_places, start_daemon,
		                                stop_daemon),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_a_daemon_that_hangs_or_mumbles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
