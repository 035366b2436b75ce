/* The end of the machine's run: power off, restart, halt. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_MACHINE_H
#define XEN_CORE_HW_MACHINE_H

void machine_power_off(void) __attribute__((noreturn)); /* ACPI S5; halts if there is none */
void machine_restart(void)
	__attribute__((noreturn)); /* ACPI reset, 0xcf9, keyboard, triple fault */
void machine_halt(void) __attribute__((noreturn));

#endif
