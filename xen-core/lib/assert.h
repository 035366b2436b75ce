/* Assertions: for what must hold in our own code, never for what a guest or dom0 hands us. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_ASSERT_H
#define XEN_CORE_LIB_ASSERT_H

/* "PANIC: <text>", a backtrace, all CPUs stopped, then reboot or halt (option noreboot). */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* "FATAL: <text>": the operator's input or this machine does not let us go on. No backtrace. */
void fatal(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define ASSERT(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!(condition), 0))                                             \
			panic("%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #condition);    \
	} while (0)

#endif
