/* A vCPU's local APIC: its registers, by MSR (x2APIC) or by memory (xAPIC), and what is pending. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_IRQ_VLAPIC_H
#define XEN_CORE_IRQ_VLAPIC_H

#include "abi/checkpoint_state.h"
#include "vcpu/vcpu.h"

#define VLAPIC_ADDRESS   0xfee00000UL
#define VLAPIC_MSR_FIRST 0x800
#define VLAPIC_MSR_LAST  0x8ff

enum ipi_mode {
	IPI_FIXED = 0,
	IPI_LOWEST = 1,
	IPI_SMI = 2,
	IPI_NMI = 4,
	IPI_INIT = 5,
	IPI_STARTUP = 6
};

enum ipi_shorthand { IPI_NONE, IPI_SELF, IPI_ALL, IPI_OTHERS };

/* What a write to the interrupt command register asks for. */
struct ipi {
	bool wanted;
	enum ipi_mode mode;
	uint8_t vector;
	bool logical;
	bool deassert; /* of INIT: does nothing */
	enum ipi_shorthand shorthand;
	uint32_t destination;
};

/* What a register write asks of the caller, who knows the other vCPUs and the machine. */
struct vlapic_effect {
	struct ipi ipi; /* to be delivered */
	int ended;      /* vector whose service the guest has ended, or -1 */
};

int vlapic_create(struct vcpu *vcpu);
void vlapic_destroy(struct vcpu *vcpu);
void vlapic_reset(struct vcpu *vcpu); /* INIT: the base address register stays */

/* Registers by their index: x2APIC MSR - 0x800, or xAPIC offset / 16. -EINVAL: #GP in x2APIC mode. */
int vlapic_read(struct vcpu *vcpu, unsigned index, uint64_t *value);
int vlapic_write(struct vcpu *vcpu, unsigned index, uint64_t value, struct vlapic_effect *effect);

uint64_t vlapic_base(const struct vcpu *vcpu); /* MSR 0x1b */
int vlapic_set_base(struct vcpu *vcpu, uint64_t value);
bool vlapic_is_x2apic(const struct vcpu *vcpu);
bool vlapic_is_mapped(const struct vcpu *vcpu); /* xAPIC mode: the page answers */

/* All of it, of a vCPU that is stopped; what is set has been checked (checkpoint/view_vcpu.h). */
void vlapic_save(struct vcpu *vcpu, struct state_lapic *state);
void vlapic_load(struct vcpu *vcpu, const struct state_lapic *state);

unsigned vlapic_divisor(uint32_t divide); /* what the timer's divide register stands for */

/* Makes a vector pending and wakes or interrupts the vCPU. Any context. */
void vlapic_raise(struct vcpu *vcpu, uint8_t vector);

/* The vector that may be taken now by priority, or -1; taking it moves it into service. */
int vlapic_pending(const struct vcpu *vcpu);
void vlapic_take(struct vcpu *vcpu, uint8_t vector);

/* Does an IPI's destination name this vCPU? */
bool vlapic_matches(const struct vcpu *vcpu, const struct ipi *ipi);

#endif
