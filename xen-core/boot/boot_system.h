/* The second half of the boot: the machine is ready, the virtual world is built on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_BOOT_SYSTEM_H
#define XEN_CORE_BOOT_BOOT_SYSTEM_H

/* Chooses the vendor backend, runs the self-tests or builds dom0, and enters the run loop. */
void boot_system(void) __attribute__((noreturn));

#endif
