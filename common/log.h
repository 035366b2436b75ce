/* Lines for people who run hosts: to stderr, with a priority when the journal reads them. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/* The numbers are syslog's: the journal reads them from "<N>" before a line. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* program is kept, not copied. What is above highest is not said. */
void log_open(const char *program, enum log_level highest);

/* One line, written whole by one system call; an error is logged once, where it is born. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
