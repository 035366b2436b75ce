/* The steps of a panic, for those who have more to say than a line: faults, hopeless interrupts. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_PANIC_H
#define XEN_CORE_HW_PANIC_H

/* Stops all other CPUs and takes the console. Of several CPUs that panic the first comes through;
 * a panic within a panic ends it. */
void panic_begin(void);

/* "PANIC: <text>", at the left margin. */
void panic_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reboots, or halts if the operator wants that (option noreboot). */
void panic_end(void) __attribute__((noreturn));

#endif
