/* Lines for people who run hosts: to stderr, or to the journal with what they are about as fields. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *program = "remus";
static enum log_level highest = LOG_LEVEL_INFO;
static bool to_journal;
static log_sink *sink;
static const struct log_subject nothing;
static const struct log_subject *about_all = &nothing;

void log_open(const char *name, enum log_level level)
{
	program = name;
	highest = level;
	to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_to(log_sink *other)
{
	sink = other;
}

void log_subject(const struct log_subject *subject)
{
	about_all = subject ? subject : &nothing;
}

static void say(enum log_level level, const struct log_subject *subject, const char *format,
                va_list arguments) __attribute__((format(printf, 3, 0)));

static void say(enum log_level level, const struct log_subject *subject, const char *format,
                va_list arguments)
{
	struct timespec now;
	char text[512];
	char line[640];
	int length;

	vsnprintf(text, sizeof(text), format, arguments);
	if (sink && !sink(level, text, subject))
		return;
	clock_gettime(CLOCK_BOOTTIME, &now);
	if (to_journal)
		length = snprintf(line, sizeof(line), "<%d>%s\n", level, text);
	else
		length = snprintf(line, sizeof(line), "[%6lld.%03ld] %s: %s\n",
		                  (long long)now.tv_sec, now.tv_nsec / 1000000, program, text);
	/* A log that cannot be written has nowhere to say so. */
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

void log_about(const struct log_subject *subject, enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level > highest)
		return;
	va_start(arguments, format);
	say(level, subject ? subject : about_all, format, arguments);
	va_end(arguments);
}
