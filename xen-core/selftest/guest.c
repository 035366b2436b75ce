/* Self-tests: tiny built-in guests that give each kind of exit, and what must survive the trip. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/cpu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "run/decode.h"
#include "selftest/selftest.h"
#include "selftest/tiny.h"
#include "vcpu/ops.h"

static unsigned length_of(const struct vm_exit *exit)
{
	return exit->length ? exit->length : decode_length(tiny.vcpu, exit->kind);
}

static const char *cpuid_and_hlt(void)
{
	GUEST(0x0f, 0xa2,       /* cpuid */
	      0x66, 0x0f, 0xa2, /* with a prefix */
	      0xf4);            /* hlt */
	struct vm_exit exit = tiny_run();

	CHECK(exit.kind == EXIT_CPUID && length_of(&exit) == 2 && tiny.vcpu->regs.rip == TINY_CODE);
	tiny.vcpu->regs.rip += 2;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_CPUID && length_of(&exit) == 3);
	tiny.vcpu->regs.rip += 3;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_HLT && length_of(&exit) == 1 &&
	      tiny.vcpu->regs.rip == TINY_CODE + 5);
	tiny_end();
	return NULL;
}

/* Every register goes in, is changed by the guest, and comes out. */
static const char *registers(void)
{
	GUEST(0x40, 0x41, 0x42, 0x43, 0x45, 0x46, 0x47, /* inc eax ecx edx ebx ebp esi edi */
	      0x0f, 0x01, 0xd9);                        /* vmmcall */
	uint64_t *regs = (uint64_t *)&tiny.vcpu->regs;
	struct vm_exit exit;

	for (unsigned i = 0; i < 8; i++)
		regs[i] = 0x1000 + i;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_HYPERCALL && length_of(&exit) == 3);
	for (unsigned i = 0; i < 8; i++)
		CHECK(regs[i] == 0x1000 + i + (i != 4)); /* 4 is the stack pointer: not touched */
	CHECK(tiny.vcpu->regs.rip == TINY_CODE + 7);
	tiny_end();
	return NULL;
}

static const char *msr_and_port(void)
{
	GUEST(0xb9, 0x80, 0x00, 0x00, 0xc0, /* mov ecx, EFER */
	      0x0f, 0x32,                   /* rdmsr */
	      0xb9, 0x00, 0x01, 0x00, 0xc0, /* mov ecx, FS_BASE */
	      0x0f, 0x32,                   /* rdmsr: does not exit */
	      0xe6, 0x80,                   /* out 0x80, al */
	      0x66, 0xed);                  /* in ax, dx */
	struct vm_exit exit = tiny_run();

	CHECK(exit.kind == EXIT_MSR && exit.msr.index == MSR_EFER && !exit.msr.write);
	tiny.vcpu->regs.rip += 2;
	tiny.vcpu->regs.rdx = 0x1234;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_PORT && exit.port.port == 0x80 && !exit.port.in);
	CHECK(exit.port.size == 1 && exit.length == 2);
	tiny.vcpu->regs.rip += exit.length;
	tiny.vcpu->regs.rdx = 0x1234;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_PORT && exit.port.port == 0x1234 && exit.port.in);
	CHECK(exit.port.size == 2 && exit.length == 2);
	tiny_end();
	return NULL;
}

static const char *nested_faults(void)
{
	GUEST(0xa1, 0x04, 0x50, 0x00, 0x00,        /* mov eax, [TINY_HOLE + 4] */
	      0x88, 0x25, 0x08, 0x50, 0x00, 0x00); /* mov [TINY_HOLE + 8], ah */
	struct vm_exit exit = tiny_run();
	struct mov mov;

	CHECK(exit.kind == EXIT_NESTED_FAULT && exit.fault.address == TINY_HOLE + 4);
	CHECK(!exit.fault.write && !exit.fault.present && !exit.fault.fetch);
	CHECK(!decode_mov(tiny.vcpu, &mov) && mov.length == 5 && mov.size == 4 && !mov.store);
	mov_finish_load(tiny.vcpu, &mov, 0xaabbccdd);
	CHECK(tiny.vcpu->regs.rax == 0xaabbccdd);
	tiny.vcpu->regs.rip += mov.length;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_NESTED_FAULT && exit.fault.address == TINY_HOLE + 8 &&
	      exit.fault.write);
	CHECK(!decode_mov(tiny.vcpu, &mov) && mov.length == 6 && mov.size == 1 && mov.store);
	CHECK(mov.value == 0xcc);
	tiny_end();
	return NULL;
}

static const char *no_write_without_right(void)
{
	GUEST(0xa1, 0x00, 0x20, 0x00, 0x00,  /* mov eax, [TINY_DATA] */
	      0xa3, 0x00, 0x20, 0x00, 0x00); /* mov [TINY_DATA], eax */
	mfn_t mfn = frame_alloc(0, tiny.domain->id);
	struct vm_exit exit;

	CHECK(!p2m_replace(&tiny.domain->p2m, GFN(TINY_DATA >> PAGE_SHIFT), mfn, P2M_RAM_RO));
	*(uint32_t *)mfn_to_virt(mfn) = 0x55aa;
	exit = tiny_run();
	CHECK(exit.kind == EXIT_NESTED_FAULT && exit.fault.write && exit.fault.present);
	CHECK(exit.fault.address == TINY_DATA && tiny.vcpu->regs.rax == 0x55aa);
	tiny_end();
	return NULL;
}

/* The guest reads a page into its TLB; the page is replaced; only a flush shows it the new one. */
static const char *flush(void)
{
	GUEST(0xa1, 0x00, 0x20, 0x00, 0x00, /* again: mov eax, [TINY_DATA] */
	      0x0f, 0x01, 0xd9,             /* vmmcall */
	      0xeb, 0xf6);                  /* jmp again */
	for (unsigned i = 1; i <= 8; i++) {
		mfn_t mfn = frame_alloc(0, tiny.domain->id);

		*(uint32_t *)mfn_to_virt(mfn) = i;
		CHECK(!p2m_replace(&tiny.domain->p2m, GFN(TINY_DATA >> PAGE_SHIFT), mfn, P2M_RAM));
		CHECK(tiny_run().kind == EXIT_HYPERCALL);
		CHECK(tiny.vcpu->regs.rax == i);
		tiny.vcpu->regs.rip += 3;
	}
	tiny_end();
	return NULL;
}

/* A window is asked for while the guest cannot take an interrupt, and opens when it can. */
static const char *interrupt_window(void)
{
	GUEST(0x90, 0x90, /* nop; nop */
	      0xfb,       /* sti */
	      0x90, 0x90, /* nop; nop */
	      0xf4);      /* hlt */
	struct vm_exit exit;

	vcpu_ops->want_window(tiny.vcpu, true);
	exit = tiny_run();
	CHECK(exit.kind == EXIT_INTERRUPT_WINDOW && tiny.vcpu->regs.rip == TINY_CODE + 4);
	vcpu_ops->want_window(tiny.vcpu, false);
	exit = tiny_run();
	CHECK(exit.kind == EXIT_HLT && tiny.vcpu->regs.rip == TINY_CODE + 5);
	tiny_end();
	return NULL;
}

/* An interrupt through a gate at TINY_DATA to the hlt behind the loop; the flags and place are on the stack. */
static const char *injection(void)
{
	GUEST(0xeb, 0xfe, /* jmp . */
	      0xf4);      /* hlt: the handler */
	static const uint64_t descriptors[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	const uint64_t gate = (uint64_t)(TINY_CODE + 2) | 0x08UL << 16 | 0x8eUL << 40;
	struct segment code_segment = { 0x08, 0xc9b, 0xffffffff, 0 };
	struct segment gdt = { .limit = sizeof(descriptors) - 1, .base = TINY_DATA };
	struct segment idt = { .limit = 0x7ff, .base = TINY_DATA + 0x100 };
	uint32_t saved_rip;
	struct vm_exit exit;

	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA, descriptors, sizeof(descriptors)));
	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA + 0x100 + 0x30 * 8, &gate, sizeof(gate)));
	vcpu_ops->set_segment(tiny.vcpu, SEGMENT_CS, &code_segment);
	vcpu_ops->set_segment(tiny.vcpu, SEGMENT_GDTR, &gdt);
	vcpu_ops->set_segment(tiny.vcpu, SEGMENT_IDTR, &idt);
	tiny.vcpu->regs.rsp = TINY_DATA + 0xff0;
	tiny.vcpu->regs.rflags |= RFLAGS_IF;
	vcpu_ops->inject(tiny.vcpu, &(struct injection){ .kind = EVENT_INTERRUPT, .vector = 0x30 });
	exit = tiny_run();
	CHECK(exit.kind == EXIT_HLT && tiny.vcpu->regs.rip == TINY_CODE + 2);
	CHECK(!vcpu_ops->has_injection(tiny.vcpu) && tiny.vcpu->regs.rsp == TINY_DATA + 0xff0 - 12);
	CHECK(!access_read(&tiny.domain->p2m, tiny.vcpu->regs.rsp, &saved_rip, sizeof(saved_rip)));
	CHECK(saved_rip == TINY_CODE);
	tiny_end();
	return NULL;
}

static const char *forbidden_instructions(void)
{
	GUEST(0x0f, 0x01, 0xd8, /* vmrun */
	      0x0f, 0x01, 0xda, /* vmload */
	      0x0f, 0x01, 0xdd, /* clgi */
	      0x0f, 0x0b);      /* ud2 without a table to go by: triple fault */
	CHECK(tiny_run().kind != EXIT_HLT);
	for (unsigned i = 0; i < 3; i++) {
		struct vm_exit exit;

		tiny.vcpu->regs.rip = TINY_CODE + 3 * i;
		exit = tiny_run();
		/* Where the guest's EFER has no SVM bit the CPU may fault it before the intercept. */
		CHECK(exit.kind == EXIT_UNDEFINED || exit.kind == EXIT_SHUTDOWN);
		tiny_set_flat_mode();
	}
	tiny.vcpu->regs.rip = TINY_CODE + 9;
	CHECK(tiny_run().kind == EXIT_SHUTDOWN);
	tiny_end();
	return NULL;
}

/* Every frame that a domain had is free again when it is gone. */
static const char *nothing_lost(void)
{
	uint64_t before = frames_free();
	GUEST(0xf4);

	CHECK(tiny_run().kind == EXIT_HLT);
	CHECK(frames_free() < before);
	tiny_end();
	CHECK(frames_free() == before);
	return NULL;
}

/* Foreign pages that are taken out keep their frames until something else is done with the map. */
#define FOREIGN_AT     (0x40000000UL >> PAGE_SHIFT)
#define FOREIGN_FRAMES (P2M_LEAVING + 6)

static const char *foreign_pages_leave_together(void)
{
	uint64_t free;
	GUEST(0xf4);
	struct p2m *p2m = &tiny.domain->p2m;
	mfn_t mfn = frame_alloc(0, tiny.domain->id);

	CHECK(!p2m_map(p2m, GFN(FOREIGN_AT), mfn, P2M_ORDER_4K, P2M_FOREIGN));
	for (unsigned i = 1; i < FOREIGN_FRAMES; i++)
		CHECK(!p2m_map(p2m, GFN(FOREIGN_AT + i), frame_alloc(0, tiny.domain->id),
		               P2M_ORDER_4K, P2M_FOREIGN));
	free = frames_free();
	for (unsigned i = 0; i < FOREIGN_FRAMES; i++) {
		CHECK(p2m_unmap(p2m, GFN(FOREIGN_AT + i)) == P2M_FOREIGN);
		CHECK(mfn_is_none(p2m_peek(p2m, GFN(FOREIGN_AT + i), NULL, NULL)));
		CHECK(p2m_is_unsettled(p2m));
		CHECK(frames_free() == free + (i < P2M_LEAVING ? 0 : P2M_LEAVING));
	}
	mfn = frame_alloc(0, tiny.domain->id);
	CHECK(!p2m_map(p2m, GFN(FOREIGN_AT), mfn, P2M_ORDER_4K, P2M_FOREIGN));
	CHECK(!p2m_is_unsettled(p2m) && frames_free() == free + FOREIGN_FRAMES - 1);
	CHECK(p2m_unmap(p2m, GFN(FOREIGN_AT)) == P2M_FOREIGN);
	p2m_settle(p2m);
	CHECK(!p2m_is_unsettled(p2m) && frames_free() == free + FOREIGN_FRAMES);
	tiny_end();
	return NULL;
}

const struct selftest selftests_guest[] = {
	{ "guest_cpuid_hlt", cpuid_and_hlt },
	{ "guest_registers", registers },
	{ "guest_msr_port", msr_and_port },
	{ "guest_nested_faults", nested_faults },
	{ "guest_read_only", no_write_without_right },
	{ "guest_flush", flush },
	{ "guest_interrupt_window", interrupt_window },
	{ "guest_injection", injection },
	{ "guest_forbidden", forbidden_instructions },
	{ "guest_foreign_pages", foreign_pages_leave_together },
	{ "guest_nothing_lost", nothing_lost },
	{ NULL, NULL },
};
