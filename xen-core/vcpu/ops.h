/* The vendor seam: all that the hypervisor asks of AMD's or Intel's virtualisation. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_OPS_H
#define XEN_CORE_VCPU_OPS_H

#include "vcpu/exit.h"
#include "vcpu/vcpu.h"

enum control_register { CONTROL_CR0, CONTROL_CR2, CONTROL_CR3, CONTROL_CR4, CONTROL_EFER };

enum segment_name {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR,
	SEGMENT_TR,
	SEGMENT_GDTR, /* base and limit only */
	SEGMENT_IDTR,
	SEGMENT_NAMES
};

/* Of a code segment's attributes. */
#define SEGMENT_LONG       BIT(9)  /* 64-bit code */
#define SEGMENT_DEFAULT_32 BIT(10) /* 32-bit operands and addresses */

struct segment {
	uint16_t selector;
	uint16_t attributes; /* descriptor bits 40..47 and 52..55, as twelve bits */
	uint32_t limit;      /* bytes - 1 */
	uint64_t base;
};

/* What an injected event is: the hardware's numbers are the same for both vendors. */
enum event_kind { EVENT_INTERRUPT = 0, EVENT_NMI = 2, EVENT_EXCEPTION = 3, EVENT_SOFTWARE = 4 };

struct injection {
	enum event_kind kind;
	uint8_t vector;
	bool has_error;
	uint32_t error;
};

struct vcpu_debug {
	uint64_t address[4]; /* DR0 to DR3 */
	uint64_t status;     /* DR6 */
	uint64_t control;    /* DR7 */
};

struct vcpu_ops {
	const char *name;
	uint8_t hypercall[3]; /* the instruction */
	/* NULL if this machine has it enabled and complete, else what is missing, for the operator. */
	const char *(*missing)(void);
	int (*cpu_init)(struct cpu *cpu); /* each CPU, on it */

	int (*create)(struct vcpu *vcpu); /* state as after RESET */
	void (*destroy)(struct vcpu *vcpu);

	/* Puts the rest of the guest's registers (segments bases, syscall MSRs) on this CPU; takes them off. */
	void (*load)(struct vcpu *vcpu);
	void (*unload)(struct vcpu *vcpu);

	/* Enters the guest until it stops. Interrupts are off before and after. */
	void (*run)(struct vcpu *vcpu, struct vm_exit *exit);

	void (*set_control)(struct vcpu *vcpu, enum control_register name, uint64_t value);
	void (*get_segment)(struct vcpu *vcpu, enum segment_name name, struct segment *segment);
	void (*set_segment)(struct vcpu *vcpu, enum segment_name name,
	                    const struct segment *segment);

	/* MSRs that the hardware switches; -ENOENT for others. */
	int (*get_msr)(struct vcpu *vcpu, uint32_t index, uint64_t *value);
	int (*set_msr)(struct vcpu *vcpu, uint32_t index, uint64_t value);

	/* Debug registers of a vCPU that is not loaded. */
	void (*get_debug)(struct vcpu *vcpu, struct vcpu_debug *debug);
	void (*set_debug)(struct vcpu *vcpu, const struct vcpu_debug *debug);

	/* At the next entry. One at a time: the others tell of one that waits or was interrupted. */
	void (*inject)(struct vcpu *vcpu, const struct injection *event); /* NULL: nothing */
	bool (*has_injection)(const struct vcpu *vcpu);
	struct injection (*get_injection)(const struct vcpu *vcpu); /* if there is one */
	/* Asks for EXIT_INTERRUPT_WINDOW as soon as the guest can take an interrupt. */
	void (*want_window)(struct vcpu *vcpu, bool want);

	void (*set_tsc_offset)(struct vcpu *vcpu, uint64_t offset);
	/* Ports that the guest uses without an exit: a bitmap of 65536 bits, 1 = exit. Shared by a domain;
	 * it takes the 12 KiB + of the hardware's form. NULL: all exit. */
	void (*set_port_map)(struct vcpu *vcpu, mfn_t first_of_three);
	void (*dump)(struct vcpu *vcpu); /* to the console */
};

/* Chosen once at boot. */
extern const struct vcpu_ops *vcpu_ops;

#endif
