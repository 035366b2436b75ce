/* What happened to VMs: bounds, the file that outlives the daemon, and the fields that the journal is given. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/daemon/chronicle.c common/log.c common/journal.c */
/* libs: -ljansson -lsystemd */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/journal.h"
#include "replication/daemon/chronicle.h"

static char folder[64], path[96];
static struct chronicle *chronicle;

static int set_up(void **state)
{
	strcpy(folder, "/tmp/test_chronicle.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/events", folder);
	chronicle = chronicle_open(path);
	assert_non_null(chronicle);
	return 0;
}

static int tear_down(void **state)
{
	chronicle_close(chronicle);
	unlink(path);
	rmdir(folder);
	return 0;
}

static void add(const char *vm, const char *event, const char *text)
{
	chronicle_add(chronicle, &(struct happening){ .vm = vm,
	                                              .event = event,
	                                              .text = text,
	                                              .generation = 2,
	                                              .round = 3,
	                                              .epoch = 44 });
}

static json_int_t number(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

static const char *word(const json_t *told, size_t i, const char *field)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(told, "events"), i), field));
}

static size_t count(const json_t *told)
{
	return json_array_size(json_object_get(told, "events"));
}

static void test_events_are_told_in_order(void **state)
{
	json_t *told;

	add("web", "protect", "ordered by the operator");
	add("mail", "held", "");
	add("web", "replicating", "");
	told = chronicle_tell(chronicle, NULL, 0);
	assert_int_equal(count(told), 3);
	assert_string_equal(word(told, 0, "event"), "protect");
	assert_string_equal(word(told, 0, "text"), "ordered by the operator");
	assert_string_equal(word(told, 1, "vm"), "mail");
	assert_int_equal(number(json_array_get(json_object_get(told, "events"), 2), "epoch"), 44);
	assert_int_equal(number(told, "last"), 3);
	json_decref(told);
	told = chronicle_tell(chronicle, "web", 1);
	assert_int_equal(count(told), 1);
	assert_string_equal(word(told, 0, "event"), "replicating");
	json_decref(told);
}

static void test_they_outlive_the_daemon(void **state)
{
	struct stat facts;
	FILE *file;
	json_t *told;

	add("web", "held", "why \"so\"");
	chronicle_close(chronicle);
	file = fopen(path, "a");
	fputs("{\"number\":9,\"vm\":\"we", file); /* torn */
	fclose(file);
	chronicle = chronicle_open(path);
	add("web", "replicating", "");
	told = chronicle_tell(chronicle, NULL, 0);
	assert_int_equal(count(told), 2);
	assert_string_equal(word(told, 0, "text"), "why \"so\"");
	assert_int_equal(number(told, "last"), 2);
	json_decref(told);
	chronicle_close(chronicle);
	chronicle = chronicle_open(path);
	told = chronicle_tell(chronicle, NULL, 0);
	assert_int_equal(count(told), 2);
	json_decref(told);
	assert_int_equal(stat(path, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

static void test_there_is_a_bound(void **state)
{
	unsigned int lines = 0, most = 0;
	size_t seen = 0;
	json_int_t since = 0;
	bool is_more = true;
	int letter;
	FILE *file;

	for (unsigned int i = 0; i < 3 * CHRONICLE_EVENTS; i++) {
		add("web", "held", "it is so");
		if (i % 100)
			continue;
		lines = 0;
		file = fopen(path, "r");
		while ((letter = fgetc(file)) != EOF)
			lines += letter == '\n';
		fclose(file);
		most = lines > most ? lines : most;
	}
	assert_true(most <= 2 * CHRONICLE_EVENTS);
	while (is_more) {
		json_t *told = chronicle_tell(chronicle, "web", (uint64_t)since);

		assert_true(count(told) <= CHRONICLE_TOLD);
		seen += count(told);
		since = number(told, "last");
		is_more = json_is_true(json_object_get(told, "more"));
		json_decref(told);
	}
	assert_int_equal(seen, CHRONICLE_EVENTS);
	assert_int_equal(since, 3 * CHRONICLE_EVENTS);
}

/* A full reply fits a line of the control socket, whatever was said. */
static void test_foreign_words_are_cut_and_cleaned(void **state)
{
	char text[2000], *line;
	json_t *told;

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (unsigned int i = 0; i < CHRONICLE_TOLD; i++)
		add("a-name-as-long-as-can-be-of-a-protected-vm-of-this-kind-of-host", "held",
		    text);
	told = chronicle_tell(chronicle, NULL, 0);
	line = json_dumps(told, JSON_COMPACT);
	assert_true(strlen(line) < 65000);
	free(line);
	json_decref(told);
	add("web", "held", "two\nlines\033[2J");
	add("web", "held", "no \xff utf-8");
	told = chronicle_tell(chronicle, "web", 0);
	assert_string_equal(word(told, 0, "text"), "two lines [2J");
	assert_string_equal(word(told, 1, "text"), "");
	json_decref(told);
}

static void test_without_a_file(void **state)
{
	struct chronicle *other = chronicle_open(NULL);
	json_t *told;

	chronicle_add(other, &(struct happening){ .vm = "web", .event = "held", .text = "" });
	told = chronicle_tell(other, NULL, 0);
	assert_int_equal(count(told), 1);
	json_decref(told);
	chronicle_close(other);
}

/* --- the log --- */

static char said[200];
static struct log_subject about;

static int hear(enum log_level level, const char *text, const struct log_subject *subject)
{
	snprintf(said, sizeof(said), "%d %s", level, text);
	about = *subject;
	return 0;
}

static void test_lines_have_a_subject(void **state)
{
	static struct log_subject worker = { .vm = "web", .generation = 2 };

	log_to(hear);
	log_error("nobody's %d", 7);
	assert_string_equal(said, "3 nobody's 7");
	assert_null(about.vm);
	log_subject(&worker);
	worker.epoch = 12;
	log_info("a worker's");
	assert_string_equal(about.vm, "web");
	assert_int_equal(about.epoch, 12);
	log_about(&(struct log_subject){ .vm = "mail" }, LOG_LEVEL_WARNING, "another's");
	assert_string_equal(about.vm, "mail");
	assert_int_equal(about.epoch, 0);
	log_debug("not said");
	assert_string_equal(said, "4 another's");
	log_subject(NULL);
	log_to(NULL);
}

static void test_fields_of_the_journal(void **state)
{
	const struct log_subject subject = { .vm = "web", .event = "held", .epoch = 12 };
	char fields[JOURNAL_FIELDS_MAX][JOURNAL_FIELD_SIZE];

	assert_int_equal(journal_fields(fields, LOG_LEVEL_WARNING, "it is held", &subject), 5);
	assert_string_equal(fields[0], "MESSAGE=it is held");
	assert_string_equal(fields[1], "PRIORITY=4");
	assert_string_equal(fields[2], "REMUS_VM=web");
	assert_string_equal(fields[3], "REMUS_EVENT=held");
	assert_string_equal(fields[4], "REMUS_EPOCH=12");
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_events_are_told_in_order),
		FILE_TEST(test_they_outlive_the_daemon),
		FILE_TEST(test_there_is_a_bound),
		FILE_TEST(test_foreign_words_are_cut_and_cleaned),
		cmocka_unit_test(test_without_a_file),
		cmocka_unit_test(test_lines_have_a_subject),
		cmocka_unit_test(test_fields_of_the_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
