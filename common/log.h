/* Lines for people who run hosts: to stderr, or to the journal with what they are about as fields. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are syslog's: the journal reads them from "<N>" before a line. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* What a line is about: fields of the journal's, each left out if it is NULL or 0. */
struct log_subject {
	const char *vm, *event;
	uint64_t generation, round, epoch;
};

/* program is kept, not copied. What is above highest is not said. */
void log_open(const char *program, enum log_level highest);

/* Where lines go in place of stderr; 0, or they go to stderr all the same. */
typedef int log_sink(enum log_level level, const char *text, const struct log_subject *subject);
void log_to(log_sink *sink);

/* Of a process that serves one VM: what all its lines are about from now on. Kept, and read at each line; NULL: none. */
void log_subject(const struct log_subject *subject);

/* One line about that, or NULL: about what all lines are about. It is written whole by one system call; an error is logged
 * once, where it is born. */
void log_about(const struct log_subject *subject, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...)   log_about(NULL, LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_about(NULL, LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_about(NULL, LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_about(NULL, LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
