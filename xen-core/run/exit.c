/* Serving exits: one switch on the reason, in words that both vendors share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/exit.h"

#include "domain/domain.h"
#include "hw/cpu.h"
#include "hypercall/hypercall.h"
#include "hypercall/width.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "run/decode.h"
#include "sched/sched.h"
#include "vcpu/hypercall_page.h"
#include "vcpu/ops.h"
#include "vcpu/policy.h"
#include "vcpu/xstate.h"

#define VECTOR_DB 1
#define VECTOR_UD 6
#define VECTOR_DF 8
#define VECTOR_GP 13

void exit_skip(struct vcpu *vcpu, unsigned length)
{
	vcpu->regs.rip += length;
	if (!(vcpu->control.efer & EFER_LMA))
		vcpu->regs.rip &= 0xffffffff;
	vcpu->regs.rflags &= ~RFLAGS_RF;
	vcpu->control.interrupt_shadow = false;
	if (vcpu->regs.rflags & RFLAGS_TF)
		exit_inject_fault(vcpu, VECTOR_DB);
}

/* Newest first; the first is the one that is dumped. */
static void dump_exits(const struct vcpu *vcpu)
{
	for (unsigned i = 1; i <= EXIT_NOTES && i <= vcpu->exits; i++) {
		const struct exit_note *note = &vcpu->exit_notes[(vcpu->exits - i) % EXIT_NOTES];

		print("  exit %u: reason %#lx at %016lx on CPU %u, %lu cycles ago\n",
		      vcpu->exits - i, note->reason, note->rip, note->cpu, rdtsc() - note->tsc);
	}
}

static void dump(struct vcpu *vcpu)
{
	const struct guest_regs *r = &vcpu->regs;
	const struct guest_control *c = &vcpu->control;

	print("  rip %016lx rsp %016lx rflags %08lx cpl %u\n", r->rip, r->rsp, r->rflags, c->cpl);
	print("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	print("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	print("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	print("  r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
	print("  cr0 %lx cr2 %lx cr3 %lx cr4 %lx efer %lx\n", c->cr0, c->cr2, c->cr3, c->cr4,
	      c->efer);
	vcpu_ops->dump(vcpu);
	dump_exits(vcpu);
}

/* The guest cannot go on: reports it and ends the domain. */
static void crash(struct vcpu *vcpu, const char *why, uint64_t reason)
{
	print("domain %u vcpu %u: %s (reason %#lx)\n", vcpu->domain->id, vcpu->id, why, reason);
	dump(vcpu);
	domain_shutdown(vcpu->domain, SHUTDOWN_crash);
}

/* Those of which two make a double fault: #DE, #TS, #NP, #SS, #GP, and #PF as the first. */
static bool is_contributory(uint8_t vector)
{
	return vector == 0 || (vector >= 10 && vector <= 14);
}

/* A fault may come while the CPU delivers another, as when the guest's IDT lies nowhere: what the
 * CPU does on its own then is ours to do. */
void exit_inject_fault(struct vcpu *vcpu, uint8_t vector)
{
	if (vcpu_ops->has_injection(vcpu)) {
		struct injection first = vcpu_ops->get_injection(vcpu);

		if (first.kind == EVENT_EXCEPTION && first.vector == VECTOR_DF) {
			crash(vcpu, "triple fault", vector);
			return;
		}
		if (first.kind == EVENT_EXCEPTION && is_contributory(first.vector) &&
		    is_contributory(vector))
			vector = VECTOR_DF;
	}
	vcpu_ops->inject(vcpu, &(struct injection){
				       .kind = EVENT_EXCEPTION,
				       .vector = vector,
				       .has_error = vector == VECTOR_GP || vector == VECTOR_DF,
			       });
}

/* Where the CPU does not tell, the instruction itself has to be read. 0: #GP has been injected. */
static unsigned length_of(struct vcpu *vcpu, const struct vm_exit *exit)
{
	unsigned length = exit->length ? exit->length : decode_length(vcpu, exit->kind);

	if (!length)
		exit_inject_fault(vcpu, VECTOR_GP);
	return length;
}

static void serve_cpuid(struct vcpu *vcpu)
{
	struct cpuid r = policy_cpuid(vcpu, (uint32_t)vcpu->regs.rax, (uint32_t)vcpu->regs.rcx,
	                              vcpu->domain->vcpu_count, vcpu->domain->id);

	vcpu->regs.rax = r.eax;
	vcpu->regs.rbx = r.ebx;
	vcpu->regs.rcx = r.ecx;
	vcpu->regs.rdx = r.edx;
}

static int serve_hypercall_page(struct vcpu *vcpu, const struct msr_access *msr)
{
	int err = msr->write ? hypercall_page_write(vcpu, msr->value) : -EINVAL;

	if (!err)
		width_latch(vcpu);
	return err;
}

static bool is_lapic_msr(uint32_t index)
{
	return index == MSR_APIC_BASE || (index >= VLAPIC_MSR_FIRST && index <= VLAPIC_MSR_LAST);
}

static void serve_msr(struct vcpu *vcpu, const struct vm_exit *exit, unsigned length)
{
	const struct msr_access *msr = &exit->msr;
	uint64_t value = 0;
	int err;

	if (is_lapic_msr(msr->index))
		err = lapic_msr(vcpu, msr, &value);
	else if (msr->index == MSR_HYPERCALL_PAGE)
		err = serve_hypercall_page(vcpu, msr);
	else if (msr->write)
		err = policy_write_msr(vcpu, msr->index, msr->value);
	else
		err = policy_read_msr(vcpu, msr->index, &value);
	if (err) {
		log_debug("domain %u vcpu %u: %s of MSR %#x at rip %#lx refused\n",
		          vcpu->domain->id, vcpu->id, msr->write ? "write" : "read", msr->index,
		          vcpu->regs.rip);
		exit_inject_fault(vcpu, VECTOR_GP);
		return;
	}
	if (!msr->write) {
		vcpu->regs.rax = (uint32_t)value;
		vcpu->regs.rdx = value >> 32;
	}
	exit_skip(vcpu, length);
}

static bool domain_has_ended(const struct domain *domain)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (domain->vcpus[i] && domain->vcpus[i]->up)
			return false;
	return true;
}

/* With interrupts off it never wakes: that is how a kernel takes a CPU down. */
static void serve_hlt(struct vcpu *vcpu)
{
	if (!(vcpu->regs.rflags & RFLAGS_IF)) {
		sched_down(vcpu);
		vcpu->waits_for_startup = true;
		if (domain_has_ended(vcpu->domain))
			domain_shutdown(vcpu->domain, SHUTDOWN_poweroff);
		return;
	}
	sched_block(vcpu);
	if (inject_has_work(vcpu)) /* it may have come before the block was seen */
		sched_wake(vcpu);
}

static void serve_xsetbv(struct vcpu *vcpu, unsigned length)
{
	uint64_t value = vcpu->regs.rdx << 32 | (uint32_t)vcpu->regs.rax;

	if (vcpu->control.cpl || (uint32_t)vcpu->regs.rcx || xstate_set_xcr0(vcpu, value))
		exit_inject_fault(vcpu, VECTOR_GP);
	else
		exit_skip(vcpu, length);
}

static void serve_port(struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (port_serve(vcpu, &exit->port))
		exit_skip(vcpu, exit->length);
}

static void serve_exception(struct vcpu *vcpu, const struct vm_exit *exit)
{
	vcpu_ops->inject(vcpu, &(struct injection){ .kind = EVENT_EXCEPTION,
	                                            .vector = exit->exception.vector,
	                                            .has_error = exit->exception.has_error,
	                                            .error = exit->exception.error });
}

/* Exits whose instruction is stepped over when it has been served. */
static void serve_instruction(struct vcpu *vcpu, const struct vm_exit *exit)
{
	unsigned length = length_of(vcpu, exit);

	if (!length)
		return;
	switch (exit->kind) {
	case EXIT_HYPERCALL:
		if (hypercall_from_guest(vcpu))
			exit_skip(vcpu, length);
		break;
	case EXIT_CPUID:
		serve_cpuid(vcpu);
		exit_skip(vcpu, length);
		break;
	case EXIT_HLT:
		exit_skip(vcpu, length);
		serve_hlt(vcpu);
		break;
	case EXIT_MSR:
		serve_msr(vcpu, exit, length);
		break;
	case EXIT_XSETBV:
		serve_xsetbv(vcpu, length);
		break;
	default:
		exit_skip(vcpu, length);
	}
}

void exit_serve(struct vcpu *vcpu, struct vm_exit *exit)
{
	switch (exit->kind) {
	case EXIT_INTERRUPT: /* taken in the window that the run loop opens */
	case EXIT_NMI:
	case EXIT_INTERRUPT_WINDOW:
		break;
	case EXIT_HYPERCALL:
	case EXIT_CPUID:
	case EXIT_HLT:
	case EXIT_MSR:
	case EXIT_XSETBV:
	case EXIT_SKIP:
		serve_instruction(vcpu, exit);
		break;
	case EXIT_PORT:
		serve_port(vcpu, exit);
		break;
	case EXIT_NESTED_FAULT:
		nested_fault_serve(vcpu, exit);
		break;
	case EXIT_EXCEPTION:
		serve_exception(vcpu, exit);
		break;
	case EXIT_UNDEFINED:
		exit_inject_fault(vcpu, VECTOR_UD);
		break;
	case EXIT_SHUTDOWN:
		crash(vcpu, "triple fault", exit->reason);
		break;
	default:
		crash(vcpu, "exit that the hypervisor does not know", exit->reason);
	}
}
