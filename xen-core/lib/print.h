/* Formatted text to the hypervisor's console: levels, panic, the end of a hopeless boot. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_PRINT_H
#define XEN_CORE_LIB_PRINT_H

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Messages above this level are dropped (option loglvl=error|warn|info|debug). */
extern enum log_level log_limit;

/*
 * %d %u %x %o with h/l/ll/z and width/0/-/#, %s %c %p %%, and %ps for the symbol at an address.
 * Returns the length that the whole text has, as C's vsnprintf.
 */
int vsnprintf(char *buffer, size_t size, const char *format, va_list args);
int snprintf(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Where finished text goes; the console installs itself here (lib has no devices). */
void print_set_sink(void (*sink)(const char *text, size_t length));

/* Behind a prefix: how panic() and fatal() get their lines to the left margin. */
void print_line(const char *prefix, const char *format, va_list args);

/* Whole lines, each ended by "\n" in the format, behind "(core) ". Safe in any context. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_print(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#endif
