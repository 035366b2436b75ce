/* The hypervisor's command line: a table of known options, each with its parser. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_OPTIONS_H
#define XEN_CORE_LIB_OPTIONS_H

#include "lib/types.h"

/* What the operator asked for on the command line; the defaults stand in options.c. */
struct options {
	uint64_t dom0_mem;       /* bytes; 0: all but a reserve for guests and the hypervisor */
	unsigned dom0_max_vcpus; /* 0: one for each CPU */
	unsigned maxcpus;        /* CPUs to bring up; 0: all */
	bool console_com1;       /* console=com1 (default) or console=none */
	unsigned com1_baud;      /* com1=115200 */
	bool noreboot;           /* halt after a panic or a fatal error, do not restart */
	bool spare_boot_cpu;     /* the boot CPU runs no vCPU (docs/testing.md: QEMU's first CPU) */
	bool selftest;           /* run the self-tests and power off; no dom0 */
	bool dom0_verbose;       /* say how dom0 was built */
};

extern struct options options;

/* The text as the boot loader gave it, at most 1023 characters, for xen_version and xl info. */
extern char options_text[1024];

/* Reports each unknown or malformed word on the console and goes on with the rest. */
void options_parse(const char *command_line);

#endif
