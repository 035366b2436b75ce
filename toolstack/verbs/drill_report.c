/* The report of a drill: as text, and kept as evidence. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolstack/verbs/drill.h"

static void write_checks(FILE *text, const json_t *report)
{
	const json_t *check;
	size_t i;

	fprintf(text, "\nchecks\n");
	json_array_foreach(json_object_get(report, "checks"), i, check)
		fprintf(text, "  %-7s %-12s %s\n",
	                json_is_true(json_object_get(check, "ok")) ? "ok" : "FAILED",
	                drill_word(check, "code"), drill_word(check, "text"));
}

static void write_steps(FILE *text, const json_t *report)
{
	const json_t *step;
	size_t i;

	if (!json_array_size(json_object_get(report, "steps")))
		return;
	fprintf(text, "\nsteps (seconds since its order; generation.round, epoch)\n");
	json_array_foreach(json_object_get(report, "steps"), i, step)
		fprintf(text, "  %-7s %8.1f s  %d.%d %8lld  %s\n",
	                json_is_true(json_object_get(step, "ok")) ? "done" : "FAILED",
	                (double)drill_number(step, "ms") / 1000,
	                (int)drill_number(step, "generation"), (int)drill_number(step, "round"),
	                (long long)drill_number(step, "epoch"), drill_word(step, "text"));
}

char *drill_text(const json_t *report)
{
	size_t size;
	char *bytes = NULL;
	FILE *text = open_memstream(&bytes, &size);

	if (!text)
		return NULL;
	fprintf(text, "drill of %s, %s\n\n", drill_word(report, "vm"), drill_word(report, "mode"));
	fprintf(text, "  result   %s%s%s\n", drill_word(report, "result"),
	        *drill_word(report, "why") ? ": " : "", drill_word(report, "why"));
	fprintf(text, "  hosts    %s, with %s\n", drill_word(report, "host"),
	        drill_word(report, "peer"));
	fprintf(text, "  by       %s\n", drill_word(report, "who"));
	fprintf(text, "  began    %s\n  ended    %s\n", drill_word(report, "began"),
	        drill_word(report, "ended"));
	fprintf(text, "  runs on  %s\n", drill_word(report, "runs_on"));
	write_checks(text, report);
	write_steps(text, report);
	fclose(text);
	return bytes;
}

/* Never in the place of an older one. */
static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t length = strlen(text);
	int err;

	if (fd < 0)
		return -errno;
	errno = EIO;
	err = write(fd, text, length) != (ssize_t)length || fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

/* VM-2026-11-21T19:59:03Z: names of files sort as drills went. */
const char *drill_keep(const json_t *report, const char *folder)
{
	static char path[PATH_MAX - 8];
	char file[PATH_MAX];
	char *text = drill_text(report), *json = json_dumps(report, JSON_INDENT(2));
	int err = text && json ? 0 : -ENOMEM;

	mkdir(folder, 0700);
	snprintf(path, sizeof(path), "%s/%s-%s", folder, drill_word(report, "vm"),
	         drill_word(report, "began"));
	snprintf(file, sizeof(file), "%s.txt", path);
	if (!err)
		err = write_file(file, text);
	snprintf(file, sizeof(file), "%s.json", path);
	if (!err)
		err = write_file(file, json);
	free(text);
	free(json);
	if (!err)
		return path;
	fprintf(stderr, "remusctl: the report cannot be kept at %s: %s\n", path, strerror(-err));
	return "";
}
