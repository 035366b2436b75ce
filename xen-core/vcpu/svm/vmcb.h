/* AMD's virtual machine control block, and the codes in it (APM vol. 2, appendices B and C). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_SVM_VMCB_H
#define XEN_CORE_VCPU_SVM_VMCB_H

#include "lib/types.h"

#define MSR_VM_CR       0xc0010114
#define VM_CR_SVMDIS    BIT(4)
#define MSR_VM_HSAVE_PA 0xc0010117

/* Word 3 of the intercepts. */
#define INTERCEPT_INTR     BIT(0)
#define INTERCEPT_NMI      BIT(1)
#define INTERCEPT_SMI      BIT(2)
#define INTERCEPT_INIT     BIT(3)
#define INTERCEPT_VINTR    BIT(4)
#define INTERCEPT_CPUID    BIT(18)
#define INTERCEPT_INVD     BIT(22)
#define INTERCEPT_HLT      BIT(24)
#define INTERCEPT_INVLPGA  BIT(26)
#define INTERCEPT_IOIO     BIT(27)
#define INTERCEPT_MSR      BIT(28)
#define INTERCEPT_SHUTDOWN BIT(31)
/* Word 4. */
#define INTERCEPT_VMRUN       BIT(0)
#define INTERCEPT_VMMCALL     BIT(1)
#define INTERCEPT_VMLOAD      BIT(2)
#define INTERCEPT_VMSAVE      BIT(3)
#define INTERCEPT_STGI        BIT(4)
#define INTERCEPT_CLGI        BIT(5)
#define INTERCEPT_SKINIT      BIT(6)
#define INTERCEPT_MONITOR     BIT(10)
#define INTERCEPT_MWAIT       BIT(11)
#define INTERCEPT_MWAIT_ARMED BIT(12)
#define INTERCEPT_XSETBV      BIT(13)

#define VINTR_TPR_MASK       0xfUL
#define VINTR_IRQ            BIT(8)
#define VINTR_PRIORITY_SHIFT 16
#define VINTR_IGNORE_TPR     BIT(20)
#define VINTR_MASKING        BIT(24) /* the guest's IF and TPR no longer hold back physical interrupts */
#define VINTR_VECTOR_SHIFT   32

#define EVENT_TYPE_SHIFT  8
#define EVENT_TYPE_MASK   7UL
#define EVENT_ERROR_VALID BIT(11)
#define EVENT_VALID       BIT(31)
#define EVENT_ERROR_SHIFT 32

#define TLB_FLUSH_ALL 1

enum vmexit_code {
	VMEXIT_EXCEPTION_FIRST = 0x40,
	VMEXIT_EXCEPTION_LAST = 0x5f,
	VMEXIT_INTR = 0x60,
	VMEXIT_NMI = 0x61,
	VMEXIT_SMI = 0x62,
	VMEXIT_INIT = 0x63,
	VMEXIT_VINTR = 0x64,
	VMEXIT_CPUID = 0x72,
	VMEXIT_INVD = 0x76,
	VMEXIT_HLT = 0x78,
	VMEXIT_INVLPGA = 0x7a,
	VMEXIT_IOIO = 0x7b,
	VMEXIT_MSR = 0x7c,
	VMEXIT_SHUTDOWN = 0x7f,
	VMEXIT_VMRUN = 0x80,
	VMEXIT_VMMCALL = 0x81,
	VMEXIT_VMLOAD = 0x82,
	VMEXIT_VMSAVE = 0x83,
	VMEXIT_STGI = 0x84,
	VMEXIT_CLGI = 0x85,
	VMEXIT_SKINIT = 0x86,
	VMEXIT_MONITOR = 0x8a,
	VMEXIT_MWAIT = 0x8b,
	VMEXIT_MWAIT_ARMED = 0x8c,
	VMEXIT_XSETBV = 0x8d,
	VMEXIT_NPF = 0x400,
};

struct vmcb_segment {
	uint16_t selector;
	uint16_t attributes;
	uint32_t limit;
	uint64_t base;
};

struct vmcb {
	uint16_t intercept_cr_read, intercept_cr_write;
	uint16_t intercept_dr_read, intercept_dr_write;
	uint32_t intercept_exceptions;
	uint32_t intercept3, intercept4, intercept5;
	uint8_t reserved_018[0x03c - 0x018];
	uint16_t pause_threshold, pause_count;
	uint64_t iopm, msrpm;
	uint64_t tsc_offset;
	uint32_t asid;
	uint32_t tlb_control; /* low byte */
	uint64_t vintr;
	uint64_t interrupt_shadow; /* bit 0 */
	uint64_t exit_code, exit_info1, exit_info2, exit_int_info;
	uint64_t nested_control; /* bit 0: nested paging */
	uint8_t reserved_098[0x0a8 - 0x098];
	uint64_t event_injection;
	uint64_t nested_cr3;
	uint64_t lbr_control;
	uint32_t clean;
	uint32_t reserved_0c4;
	uint64_t next_rip;
	uint8_t fetched;
	uint8_t bytes[15];
	uint8_t reserved_0e0[0x400 - 0x0e0];
	/* The state save area. */
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t reserved_4a0[0x4cb - 0x4a0];
	uint8_t cpl;
	uint32_t reserved_4cc;
	uint64_t efer;
	uint8_t reserved_4d8[0x548 - 0x4d8];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t reserved_580[0x5d8 - 0x580];
	uint64_t rsp;
	uint8_t reserved_5e0[0x5f8 - 0x5e0];
	uint64_t rax;
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t cr2;
	uint8_t reserved_648[0x668 - 0x648];
	uint64_t pat;
	uint8_t reserved_670[0x1000 - 0x670];
};

_Static_assert(offsetof(struct vmcb, iopm) == 0x040, "vmcb layout");
_Static_assert(offsetof(struct vmcb, vintr) == 0x060, "vmcb layout");
_Static_assert(offsetof(struct vmcb, exit_code) == 0x070, "vmcb layout");
_Static_assert(offsetof(struct vmcb, event_injection) == 0x0a8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, next_rip) == 0x0c8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, es) == 0x400, "vmcb layout");
_Static_assert(offsetof(struct vmcb, efer) == 0x4d0, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cr4) == 0x548, "vmcb layout");
_Static_assert(offsetof(struct vmcb, rsp) == 0x5d8, "vmcb layout");
_Static_assert(offsetof(struct vmcb, cr2) == 0x640, "vmcb layout");
_Static_assert(offsetof(struct vmcb, pat) == 0x668, "vmcb layout");
_Static_assert(sizeof(struct vmcb) == 0x1000, "vmcb layout");

#endif
