/* Port accesses that exit: those of devices that a domain does not have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/cpu.h"
#include "run/exit.h"

#define PORT_PIT_FIRST 0x40
#define PORT_PIT_LAST  0x43
#define PORT_SPEAKER   0x61

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

void port_serve(struct vcpu *vcpu, const struct port_access *access)
{
	uint64_t mask = access->size == 4 ? 0xffffffff : BIT(access->size * 8) - 1;

	if (!access->in)
		return;
	vcpu->regs.rax = (vcpu->regs.rax & ~mask) | (floating(access->port) & mask);
	if (access->size == 4)
		vcpu->regs.rax &= 0xffffffff;
}
