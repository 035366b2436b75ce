/* The durable record: what survives a crash or an error at each step, and that damage is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/generation/generation.c fencing/generation/record.c */
/* libs: -lxxhash -Wl,--wrap=fsync,--wrap=renameat,--wrap=write,--wrap=openat */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fencing/generation/generation.h"

#define FILE_SIZE 176

int __real_fsync(int fd);
int __real_renameat(int from, const char *old, int to, const char *new);
ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_openat(int folder, const char *name, int flags, mode_t mode);
int __wrap_fsync(int fd);
int __wrap_renameat(int from, const char *old, int to, const char *new);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_openat(int folder, const char *name, int flags, mode_t mode);

/* The step that fails, from 1 (0: none), and how. A crash leaves without cleaning up. */
static int fail_at, steps;
static enum { FAIL_ERROR, FAIL_CRASH_BEFORE, FAIL_CRASH_AFTER } fail_how;
static char order[16]; /* w: written, f: file synced, r: renamed, d: folder synced */

static char path[64];
static int folder;

static int step(char what)
{
	size_t length = strlen(order);

	if (length + 1 < sizeof(order))
		order[length] = what;
	if (++steps != fail_at || fail_how == FAIL_CRASH_AFTER)
		return 0;
	if (fail_how == FAIL_CRASH_BEFORE)
		_exit(7);
	errno = EIO;
	return -1;
}

static int after(int result)
{
	if (steps == fail_at && fail_how == FAIL_CRASH_AFTER)
		_exit(7);
	return result;
}

int __wrap_fsync(int fd)
{
	return step(fd == folder ? 'd' : 'f') ? -1 : after(__real_fsync(fd));
}

int __wrap_renameat(int from, const char *old, int to, const char *new)
{
	return step('r') ? -1 : after(__real_renameat(from, old, to, new));
}

/* In two parts, so that a crash leaves half of it. */
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	if (fd <= 2)
		return __real_write(fd, bytes, size);
	if (step('w'))
		return -1;
	return after((int)__real_write(fd, bytes, size > 100 ? 100 : size));
}

int __wrap_openat(int from, const char *name, int flags, mode_t mode)
{
	if (!(flags & O_CREAT))
		return __real_openat(from, name, flags, mode);
	return step('o') ? -1 : after(__real_openat(from, name, flags, mode));
}

static int begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_generation.XXXXXX");
	assert_non_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	fail_at = steps = 0;
	memset(order, 0, sizeof(order));
	return 0;
}

static int end(void **state)
{
	char command[96];

	(void)state;
	close(folder);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	return system(command);
}

static const struct record first = { SITUATION_REPLICATING, { 3, 1 }, 2 };
static const struct record second = { SITUATION_SOLO, { 4, 0 }, 2 };

static void assert_stored(const struct record *expected)
{
	struct record record;

	assert_int_equal(generation_read(folder, "web", &record), 0);
	assert_int_equal(record.situation, expected->situation);
	assert_int_equal(right_compare(record.right, expected->right), 0);
	assert_int_equal(record.peer, expected->peer);
}

static void what_is_written_is_read(void **state)
{
	struct record record;

	assert_int_equal(generation_read(folder, "web", &record), -ENOENT);
	assert_int_equal(record.situation, SITUATION_NONE);
	assert_int_equal(generation_write(folder, "web", &first), 0);
	assert_stored(&first);
	assert_int_equal(generation_write(folder, "web", &second), 0);
	assert_stored(&second);
	assert_int_equal(generation_read(folder, "other", &record), -ENOENT);
}

static void contents_are_durable_before_the_name_and_the_name_before_the_answer(void **state)
{
	assert_int_equal(generation_write(folder, "web", &first), 0);
	assert_string_equal(order, "owwfrd");
}

static void a_right_never_goes_back(void **state)
{
	struct record older = { SITUATION_SOLO, { 3, 9 }, 2 };

	assert_int_equal(generation_write(folder, "web", &second), 0);
	assert_int_equal(generation_write(folder, "web", &older), -ESTALE);
	assert_stored(&second);
	assert_int_equal(generation_forget(folder, "web"), 0);
	assert_int_equal(generation_forget(folder, "web"), 0);
	assert_int_equal(generation_write(folder, "web", &older), 0);
}

/* Returns whether the step was reached: the child died of it. */
static int write_in_a_child(int at)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		fail_at = at;
		steps = 0;
		_exit(generation_write(folder, "web", &second) ? 1 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) == 7;
}

static void assert_old_or_new(void)
{
	struct record record;

	assert_int_equal(generation_read(folder, "web", &record), 0);
	assert_stored(record.situation == SITUATION_SOLO ? &second : &first);
}

static void a_crash_at_any_step_leaves_the_old_or_the_new(void **state)
{
	int crashes = 0;

	for (int how = FAIL_CRASH_BEFORE; how <= FAIL_CRASH_AFTER; how++) {
		for (int at = 1;; at++) {
			assert_int_equal(generation_forget(folder, "web"), 0);
			assert_int_equal(generation_write(folder, "web", &first), 0);
			fail_how = how;
			if (!write_in_a_child(at))
				break;
			crashes++;
			assert_old_or_new();
			/* What a crash left behind is not in the way. */
			assert_int_equal(generation_write(folder, "web", &second), 0);
			assert_stored(&second);
		}
	}
	assert_int_equal(crashes, 12);
}

static void an_error_at_any_step_is_told_and_leaves_the_old_or_the_new(void **state)
{
	fail_how = FAIL_ERROR;
	for (int at = 1; at <= 6; at++) {
		fail_at = 0;
		assert_int_equal(generation_forget(folder, "web"), 0);
		assert_int_equal(generation_write(folder, "web", &first), 0);
		fail_at = at;
		steps = 0;
		assert_int_equal(generation_write(folder, "web", &second), -EIO);
		fail_at = 0;
		assert_old_or_new();
	}
}

static void put(const char *name, const void *bytes, size_t size)
{
	char file[128];
	FILE *out;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	out = fopen(file, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	fclose(out);
}

static void get(char bytes[FILE_SIZE])
{
	char file[128];
	FILE *in;

	snprintf(file, sizeof(file), "%s/web", path);
	in = fopen(file, "r");
	assert_non_null(in);
	assert_int_equal(fread(bytes, 1, FILE_SIZE, in), FILE_SIZE);
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
}

static void any_flipped_bit_and_any_length_is_refused(void **state)
{
	char good[FILE_SIZE], bad[FILE_SIZE + 1];
	struct record record;

	assert_int_equal(generation_write(folder, "web", &first), 0);
	get(good);
	for (int bit = 0; bit < FILE_SIZE * 8; bit++) {
		memcpy(bad, good, FILE_SIZE);
		bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << bit % 8));
		put("web", bad, FILE_SIZE);
		assert_int_equal(generation_read(folder, "web", &record), -EBADMSG);
		assert_int_equal(generation_write(folder, "web", &second), -EBADMSG);
	}
	memcpy(bad, good, FILE_SIZE);
	bad[FILE_SIZE] = 0;
	for (size_t size = 0; size <= FILE_SIZE + 1; size++) {
		put("web", bad, size);
		assert_int_equal(generation_read(folder, "web", &record),
		                 size == FILE_SIZE ? 0 : -EBADMSG);
	}
	put("db", good, FILE_SIZE); /* another VM's */
	assert_int_equal(generation_read(folder, "db", &record), -EBADMSG);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const names[] = {
		"", ".", "..", "a/b", "/etc", ".web.new", "a b", "a\n"
	};
	char longest[GENERATION_VM_MAX + 1];
	struct record record;

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		assert_int_equal(generation_read(folder, names[n], &record), -EINVAL);
		assert_int_equal(generation_write(folder, names[n], &first), -EINVAL);
		assert_int_equal(generation_forget(folder, names[n]), -EINVAL);
	}
	memset(longest, 'x', sizeof(longest));
	longest[GENERATION_VM_MAX] = '\0';
	assert_int_equal(generation_write(folder, longest, &first), -EINVAL);
	longest[GENERATION_VM_MAX - 1] = '\0';
	assert_int_equal(generation_write(folder, longest, &first), 0);
	assert_int_equal(generation_read(folder, longest, &record), 0);
}

static void a_link_in_the_place_of_the_file_is_not_followed(void **state)
{
	struct record record;

	assert_int_equal(generation_write(folder, "web", &first), 0);
	assert_int_equal(symlinkat("web", folder, "db"), 0);
	assert_int_equal(generation_read(folder, "db", &record), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read, begin, end),
		cmocka_unit_test_setup_teardown(
			contents_are_durable_before_the_name_and_the_name_before_the_answer, begin,
			end),
		cmocka_unit_test_setup_teardown(a_right_never_goes_back, begin, end),
		cmocka_unit_test_setup_teardown(a_crash_at_any_step_leaves_the_old_or_the_new,
		                                begin, end),
		cmocka_unit_test_setup_teardown(
			an_error_at_any_step_is_told_and_leaves_the_old_or_the_new, begin, end),
		cmocka_unit_test_setup_teardown(any_flipped_bit_and_any_length_is_refused, begin,
		                                end),
		cmocka_unit_test_setup_teardown(names_that_lead_elsewhere_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(a_link_in_the_place_of_the_file_is_not_followed,
		                                begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
