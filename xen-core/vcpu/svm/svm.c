/* AMD's backend: enabling SVM, a vCPU's life, entering the guest, and its registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/svm/svm.h"

#include "hw/cpu.h"
#include "hw/percpu.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "vcpu/svm/svm_vcpu.h"

#define CPUID_SVM               0x8000000a
#define CPUID_SVM_NESTED_PAGING BIT(0)
#define CPUID_SVM_NEXT_RIP      BIT(3)

#define MSR_MAP_ORDER  1
#define PORT_MAP_BYTES (3 * PAGE_SIZE)

bool svm_has_next_rip;
mfn_t svm_msr_map;
static mfn_t all_ports_exit; /* for vCPUs without a port map: 3 frames of ones (4 allocated) */

static const char *missing(void)
{
	if (!cpu_has(CPU_SVM))
		return "the CPU has no AMD SVM (or the firmware hides it)";
	if (!(cpuid(CPUID_SVM, 0).edx & CPUID_SVM_NESTED_PAGING))
		return "the CPU has AMD SVM but no nested paging";
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return "AMD SVM is disabled by the firmware";
	return NULL;
}

/* MSRs whose values VMLOAD and VMSAVE or VMRUN switch: the guest has them to itself. */
static const uint32_t free_msrs[] = {
	0x174,       0x175,       0x176,                  /* SYSENTER */
	0xc0000081,  0xc0000082,  0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
	MSR_FS_BASE, MSR_GS_BASE, 0xc0000102,             /* KERNEL_GS_BASE */
};

/* Two bits an MSR (read, write) in three ranges of 8192 (APM vol. 2, 15.11). */
static void msr_map_allow(uint8_t *map, uint32_t msr)
{
	uint32_t bit = (msr & 0x1fff) * 2 + (msr >= 0xc0000000 ? 0x800 * 8 : 0);

	map[bit / 8] &= (uint8_t) ~(3u << (bit % 8));
}

static mfn_t frames_of_ones(unsigned order)
{
	mfn_t first = frame_alloc(order, DOMID_XEN);

	if (!mfn_is_none(first))
		__builtin_memset(mfn_to_virt(first), 0xff, PAGE_SIZE << order);
	return first;
}

static int shared_init(void)
{
	svm_msr_map = frames_of_ones(MSR_MAP_ORDER);
	all_ports_exit = frames_of_ones(2);
	if (mfn_is_none(svm_msr_map) || mfn_is_none(all_ports_exit))
		return -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(free_msrs); i++)
		msr_map_allow(mfn_to_virt(svm_msr_map), free_msrs[i]);
	svm_has_next_rip = cpuid(CPUID_SVM, 0).edx & CPUID_SVM_NEXT_RIP;
	return 0;
}

static int cpu_init(struct cpu *cpu)
{
	mfn_t host_save;
	int err = svm_msr_map.v ? 0 : shared_init();

	if (err)
		return err;
	host_save = frame_alloc(0, DOMID_XEN);
	if (mfn_is_none(host_save))
		return -ENOMEM;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, host_save.v << PAGE_SHIFT);
	svm_asid_init(cpu, cpuid(CPUID_SVM, 0).ebx);
	return 0;
}

static void intercepts_init(struct vmcb *vmcb)
{
	vmcb->intercept3 = (uint32_t)(INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_CPUID |
	                              INTERCEPT_INVD | INTERCEPT_HLT | INTERCEPT_INVLPGA |
	                              INTERCEPT_IOIO | INTERCEPT_MSR | INTERCEPT_SHUTDOWN);
	vmcb->intercept4 = (uint32_t)(INTERCEPT_VMRUN | INTERCEPT_VMMCALL | INTERCEPT_VMLOAD |
	                              INTERCEPT_VMSAVE | INTERCEPT_STGI | INTERCEPT_CLGI |
	                              INTERCEPT_SKINIT | INTERCEPT_MONITOR | INTERCEPT_MWAIT |
	                              INTERCEPT_MWAIT_ARMED | INTERCEPT_XSETBV);
	/* A guest can make the delivery of #DB or #AC raise the same again for ever: watch both. */
	vmcb->intercept_exceptions = BIT(1) | BIT(17);
	vmcb->nested_control = 1;
	vmcb->vintr = VINTR_MASKING;
	vmcb->msrpm = svm_msr_map.v << PAGE_SHIFT;
	vmcb->iopm = all_ports_exit.v << PAGE_SHIFT;
}

/* As after RESET (APM vol. 2, 14.1.3). */
static void state_reset(struct vcpu *vcpu, struct vmcb *vmcb)
{
	struct vmcb_segment data = { .attributes = 0x93, .limit = 0xffff };

	vmcb->es = vmcb->ss = vmcb->ds = vmcb->fs = vmcb->gs = data;
	vmcb->cs = (struct vmcb_segment){ 0xf000, 0x9b, 0xffff, 0xffff0000 };
	vmcb->gdtr.limit = vmcb->idtr.limit = 0xffff;
	vmcb->ldtr = (struct vmcb_segment){ .attributes = 0x82, .limit = 0xffff };
	vmcb->tr = (struct vmcb_segment){ .attributes = 0x8b, .limit = 0xffff };
	vmcb->efer = EFER_SVME; /* VMRUN refuses without; the guest does not see it */
	vmcb->cr0 = CR0_ET | CR0_NW | CR0_CD;
	vmcb->dr6 = 0xffff0ff0;
	vmcb->dr7 = 0x400;
	vmcb->pat = 0x0007040600070406;
	vcpu->regs = (struct guest_regs){ .rip = 0xfff0, .rflags = RFLAGS_FIXED };
	vcpu->control = (struct guest_control){ .cr0 = vmcb->cr0 };
}

static int create(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = heap_alloc(sizeof(*svm));
	mfn_t frame;

	if (!svm)
		return -ENOMEM;
	frame = frame_alloc(0, DOMID_XEN);
	if (mfn_is_none(frame)) {
		heap_free(svm);
		return -ENOMEM;
	}
	svm->vmcb = mfn_to_virt(frame);
	svm->vmcb_address = frame.v << PAGE_SHIFT;
	vcpu->backend = svm;
	intercepts_init(svm->vmcb);
	svm->vmcb->nested_cr3 = vcpu->p2m->root.v << PAGE_SHIFT;
	state_reset(vcpu, svm->vmcb);
	return 0;
}

static void destroy(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);

	if (!svm)
		return;
	frame_put(MFN(svm->vmcb_address >> PAGE_SHIFT));
	heap_free(svm);
	vcpu->backend = NULL;
}

static void load(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);

	asm volatile("vmload %%rax" ::"a"(svm->vmcb_address) : "memory");
	asm volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(
			     svm->debug[0]),
	             "r"(svm->debug[1]), "r"(svm->debug[2]), "r"(svm->debug[3]));
	if (cpu_has(CPU_RDTSCP))
		wrmsr(MSR_TSC_AUX, svm->tsc_aux);
}

static void unload(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);

	asm volatile("vmsave %%rax" ::"a"(svm->vmcb_address) : "memory");
	asm volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
	             : "=r"(svm->debug[0]), "=r"(svm->debug[1]), "=r"(svm->debug[2]),
	               "=r"(svm->debug[3]));
	if (cpu_has(CPU_RDTSCP))
		svm->tsc_aux = rdmsr(MSR_TSC_AUX);
}

static void state_in(const struct vcpu *vcpu, struct vmcb *vmcb)
{
	vmcb->rax = vcpu->regs.rax;
	vmcb->rsp = vcpu->regs.rsp;
	vmcb->rip = vcpu->regs.rip;
	vmcb->rflags = vcpu->regs.rflags;
	vmcb->interrupt_shadow = vcpu->control.interrupt_shadow;
	vmcb->vintr = (vmcb->vintr & ~VINTR_TPR_MASK) | (vcpu->control.tpr >> 4);
}

static void state_out(struct vcpu *vcpu, const struct vmcb *vmcb)
{
	struct guest_control *control = &vcpu->control;

	vcpu->regs.rax = vmcb->rax;
	vcpu->regs.rsp = vmcb->rsp;
	vcpu->regs.rip = vmcb->rip;
	vcpu->regs.rflags = vmcb->rflags;
	control->cr0 = vmcb->cr0;
	control->cr2 = vmcb->cr2;
	control->cr3 = vmcb->cr3;
	control->cr4 = vmcb->cr4;
	control->efer = vmcb->efer & ~EFER_SVME;
	control->cpl = vmcb->ss.attributes >> 5 & 3;
	control->interrupt_shadow = vmcb->interrupt_shadow & 1;
	if ((vmcb->vintr & VINTR_TPR_MASK) != control->tpr >> 4)
		control->tpr = (uint8_t)((vmcb->vintr & VINTR_TPR_MASK) << 4);
}

/*
 * QEMU's first CPU can leave guest mode twice in a row (docs/testing.md): the second time it saves our own registers, as
 * it has just loaded them, where it had saved the guest's. A guest that has just these values hurts only itself.
 */
static bool has_our_registers(const struct vmcb *vmcb)
{
	return vmcb->rip == (uint64_t)svm_left_guest && vmcb->cr3 == read_cr3();
}

static void run(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct vmcb *vmcb = svm->vmcb;

	svm_asid_refresh(vcpu);
	state_in(vcpu, vmcb);
	svm_enter(svm->vmcb_address, &vcpu->regs);
	state_out(vcpu, vmcb);
	/* An event whose delivery was cut short by this exit is delivered by the next entry. */
	vmcb->event_injection = vmcb->exit_int_info & EVENT_VALID ? vmcb->exit_int_info : 0;
	svm_read_exit(vcpu, exit);
	if (has_our_registers(vmcb)) {
		print("CPU %u left guest mode twice (reason %#lx, %#lx, %#lx): the guest's registers are lost\n",
		      this_cpu()->id, exit->reason, vmcb->exit_info1, vmcb->exit_info2);
		exit->kind = EXIT_BROKEN;
	}
}

static void inject(struct vcpu *vcpu, const struct injection *event)
{
	if (!event) {
		svm_of(vcpu)->vmcb->event_injection = 0;
		return;
	}
	svm_of(vcpu)->vmcb->event_injection =
		event->vector | (uint64_t)event->kind << EVENT_TYPE_SHIFT | EVENT_VALID |
		(event->has_error ? EVENT_ERROR_VALID | (uint64_t)event->error << EVENT_ERROR_SHIFT
	                          : 0);
}

static bool has_injection(const struct vcpu *vcpu)
{
	return svm_of(vcpu)->vmcb->event_injection & EVENT_VALID;
}

static struct injection get_injection(const struct vcpu *vcpu)
{
	uint64_t event = svm_of(vcpu)->vmcb->event_injection;

	return (struct injection){
		.kind = (enum event_kind)(event >> EVENT_TYPE_SHIFT & EVENT_TYPE_MASK),
		.vector = (uint8_t)event,
		.has_error = event & EVENT_ERROR_VALID,
		.error = (uint32_t)(event >> EVENT_ERROR_SHIFT),
	};
}

/* A virtual interrupt of the highest priority that is never delivered: its window exits. */
static void want_window(struct vcpu *vcpu, bool want)
{
	struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	vmcb->vintr &= VINTR_TPR_MASK | VINTR_MASKING;
	if (want) {
		vmcb->vintr |= VINTR_IRQ | VINTR_IGNORE_TPR | 0xfUL << VINTR_PRIORITY_SHIFT;
		vmcb->intercept3 |= (uint32_t)INTERCEPT_VINTR;
	} else {
		vmcb->intercept3 &= (uint32_t)~INTERCEPT_VINTR;
	}
}

static void set_tsc_offset(struct vcpu *vcpu, uint64_t offset)
{
	svm_of(vcpu)->vmcb->tsc_offset = offset;
}

static void set_port_map(struct vcpu *vcpu, mfn_t first_of_three)
{
	svm_of(vcpu)->vmcb->iopm = first_of_three.v << PAGE_SHIFT;
}

static void dump(struct vcpu *vcpu)
{
	struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	svm_sync_from_cpu(vcpu);
	print("  exit %#lx info %#lx %#lx int %#lx event %#lx\n", vmcb->exit_code, vmcb->exit_info1,
	      vmcb->exit_info2, vmcb->exit_int_info, vmcb->event_injection);
	print("  cs %04x base %#lx attr %#x  ss %04x attr %#x  fs %#lx gs %#lx kgs %#lx\n",
	      vmcb->cs.selector, vmcb->cs.base, vmcb->cs.attributes, vmcb->ss.selector,
	      vmcb->ss.attributes, vmcb->fs.base, vmcb->gs.base, vmcb->kernel_gs_base);
	print("  gdt %#lx/%x idt %#lx/%x dr6 %#lx dr7 %#lx pat %#lx\n", vmcb->gdtr.base,
	      vmcb->gdtr.limit, vmcb->idtr.base, vmcb->idtr.limit, vmcb->dr6, vmcb->dr7, vmcb->pat);
}

const struct vcpu_ops svm_ops = {
	.name = "AMD SVM",
	.hypercall = { 0x0f, 0x01, 0xd9 }, /* VMMCALL */
	.missing = missing,
	.cpu_init = cpu_init,
	.create = create,
	.destroy = destroy,
	.load = load,
	.unload = unload,
	.run = run,
	.set_control = svm_set_control,
	.get_segment = svm_get_segment,
	.set_segment = svm_set_segment,
	.get_msr = svm_get_msr,
	.set_msr = svm_set_msr,
	.get_debug = svm_get_debug,
	.set_debug = svm_set_debug,
	.inject = inject,
	.has_injection = has_injection,
	.get_injection = get_injection,
	.want_window = want_window,
	.set_tsc_offset = set_tsc_offset,
	.set_port_map = set_port_map,
	.dump = dump,
};
