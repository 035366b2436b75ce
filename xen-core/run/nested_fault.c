/* Guest-physical addresses that the nested tables do not (yet) map, or not for writing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/log.h"
#include "domain/domain.h"
#include "hw/cpu.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "run/decode.h"
#include "run/exit.h"
#include "sched/sched.h"
#include "vcpu/ops.h"

#define VECTOR_GP 13

static bool is_lapic(paddr_t address)
{
	return ALIGN_DOWN(address, PAGE_SIZE) == VLAPIC_ADDRESS;
}

/*
 * dom0 has the machine's devices: an address that is not RAM means the same to it as to the machine,
 * and is mapped when it is first touched. RAM that is not dom0's does not exist for it.
 */
static bool map_device(struct vcpu *vcpu, paddr_t address)
{
	gfn_t gfn = GFN(address >> PAGE_SHIFT);

	if (!vcpu->domain->privileged || address >> cpu_address_bits())
		return false;
	if (frame_is_ram(MFN(gfn.v)) || is_lapic(address))
		return false;
	return p2m_map(vcpu->p2m, gfn, MFN(gfn.v), P2M_ORDER_4K, P2M_DEVICE) != -ENOMEM;
}

/* Nothing is there: reads float high, writes vanish, as on a bus; other instructions fault. */
static void serve_unclaimed(struct vcpu *vcpu, const struct nested_fault *fault)
{
	uint64_t value = ~0UL;
	struct mov mov;

	if (fault->in_walk || fault->fetch || decode_mov(vcpu, &mov) || mov.store != fault->write) {
		log_debug("domain %u vcpu %u: %s of %#lx at rip %#lx refused\n", vcpu->domain->id,
		          vcpu->id, fault->write ? "write" : "read", fault->address,
		          vcpu->regs.rip);
		exit_inject_fault(vcpu, VECTOR_GP);
		return;
	}
	if (is_lapic(fault->address) && vlapic_is_mapped(vcpu)) {
		if (mov.store)
			value = mov.value;
		lapic_mmio(vcpu, fault->address & (PAGE_SIZE - 1), mov.store, &value);
	}
	if (!mov.store)
		mov_finish_load(vcpu, &mov, value);
	exit_skip(vcpu, mov.length);
}

/* A write to memory that is closed for the sake of a log, not for the guest's. */
static bool open_for_write(struct vcpu *vcpu, const struct nested_fault *fault)
{
	if (!fault->present || !fault->write)
		return false;
	switch (dirty_fault(vcpu->p2m, GFN(fault->address >> PAGE_SHIFT))) {
	case DIRTY_OPENED:
		return true;
	case DIRTY_WAIT:
		sched_yield(vcpu);
		return true;
	default:
		return false;
	}
}

void nested_fault_serve(struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (open_for_write(vcpu, &exit->fault))
		return;
	if (!exit->fault.present && map_device(vcpu, exit->fault.address))
		return;
	serve_unclaimed(vcpu, &exit->fault);
}
