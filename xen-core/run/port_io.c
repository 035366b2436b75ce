/* Port accesses that exit: those of devices that a domain does not have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/cpu.h"
#include "run/exit.h"
#include "vcpu/linear.h"
#include "vcpu/ops.h"

#define PORT_PIT_FIRST 0x40
#define PORT_PIT_LAST  0x43
#define VECTOR_GP      13
#define STRING_AT_ONCE 256 /* elements of INS, before the guest's interrupts get their chance */

#define PORT_SPEAKER 0x61

/*
 * Nothing answers: reads float high. But the kernel's timer calibration spins for a tenth of a
 * million reads on a timer that stays at all ones, and gives up at once on one that stays at zero.
 */
static uint32_t floating(uint16_t port)
{
	if ((port >= PORT_PIT_FIRST && port <= PORT_PIT_LAST) || port == PORT_SPEAKER)
		return 0;
	return 0xffffffff;
}

static void serve_in(struct vcpu *vcpu, const struct port_access *access)
{
	uint64_t mask = access->size == 4 ? 0xffffffff : BIT(access->size * 8) - 1;

	vcpu->regs.rax = (vcpu->regs.rax & ~mask) | (floating(access->port) & mask);
	if (access->size == 4)
		vcpu->regs.rax &= 0xffffffff;
}

/* Registers of a string instruction are as wide as its addresses; QEMU does not say, so the mode does. */
static uint64_t address_mask(struct vcpu *vcpu)
{
	struct segment cs;

	vcpu_ops->get_segment(vcpu, SEGMENT_CS, &cs);
	if ((vcpu->control.efer & EFER_LMA) && cs.attributes & SEGMENT_LONG)
		return ~0UL;
	return cs.attributes & SEGMENT_DEFAULT_32 ? 0xffffffff : 0xffff;
}

static void move_index(uint64_t *reg, uint64_t mask, uint64_t distance, bool down)
{
	*reg = (*reg & ~mask) | ((down ? *reg - distance : *reg + distance) & mask);
}

static bool fill(struct vcpu *vcpu, uint64_t mask, const struct port_access *access)
{
	uint32_t value = floating(access->port);
	struct segment es;

	vcpu_ops->get_segment(vcpu, SEGMENT_ES, &es);
	return !copy_to_guest(vcpu, (mask == ~0UL ? 0 : es.base) + (vcpu->regs.rdi & mask), &value,
	                      access->size);
}

/* What goes out goes nowhere, at once; what comes in is written, some of it at each exit. */
static bool serve_string(struct vcpu *vcpu, const struct port_access *access)
{
	uint64_t mask = address_mask(vcpu), wanted = access->repeat ? vcpu->regs.rcx & mask : 1;
	uint64_t count = access->in ? MIN(wanted, (uint64_t)STRING_AT_ONCE) : wanted;
	bool down = vcpu->regs.rflags & RFLAGS_DF;

	for (uint64_t i = 0; access->in && i < count; i++) {
		if (!fill(vcpu, mask, access)) {
			exit_inject_fault(vcpu, VECTOR_GP);
			return false;
		}
		move_index(&vcpu->regs.rdi, mask, access->size, down);
	}
	if (!access->in)
		move_index(&vcpu->regs.rsi, mask, count * access->size, down);
	if (access->repeat)
		move_index(&vcpu->regs.rcx, mask, count, true);
	return count == wanted;
}

bool port_serve(struct vcpu *vcpu, const struct port_access *access)
{
	if (access->string)
		return serve_string(vcpu, access);
	if (access->in)
		serve_in(vcpu, access);
	return true;
}
