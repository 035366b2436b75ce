/* A guest of a few instructions: flat 32-bit code in one page, one page of data, one vCPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_SELFTEST_TINY_H
#define XEN_CORE_SELFTEST_TINY_H

#include "domain/domain.h"
#include "selftest/selftest.h"
#include "vcpu/exit.h"

#define TINY_CODE 0x1000 /* guest-physical: its code, one page */
#define TINY_DATA 0x2000 /* one page of data */
#define TINY_HOLE 0x5000 /* nothing is mapped here */

extern struct tiny {
	struct domain *domain;
	struct vcpu *vcpu; /* loaded on this CPU */
} tiny;

/* NULL, or what failed. */
const char *tiny_begin(const void *code, size_t length);
void tiny_end(void);

/* Flat 32-bit protected mode without paging, as PVH enters a kernel. */
void tiny_set_flat_mode(void);

int tiny_map_new_page(paddr_t address, mfn_t *mfn);

/* Runs on until something other than a physical interrupt stops the guest. */
struct vm_exit tiny_run(void);

#define GUEST(...)                                                                                 \
	static const uint8_t code[] = { __VA_ARGS__ };                                             \
	const char *failed = tiny_begin(code, sizeof(code));                                       \
	if (failed)                                                                                \
	return failed

#endif
