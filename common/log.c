/* Lines for people who run hosts: to stderr, with a priority when the journal reads them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *program = "remus";
static enum log_level highest = LOG_LEVEL_INFO;
static bool to_journal;

void log_open(const char *name, enum log_level level)
{
	program = name;
	highest = level;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_line(enum log_level level, const char *format, ...)
{
	char text[512];
	char line[640];
	va_list arguments;
	int length;

	if (level > highest)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	if (to_journal)
		length = snprintf(line, sizeof(line), "<%d>%s\n", level, text);
	else
		length = snprintf(line, sizeof(line), "%s: %s\n", program, text);
	/* A log that cannot be written has nowhere to say so. */
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}
