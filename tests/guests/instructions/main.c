/* Instructions that are not a guest's, and steps and breakpoints across what the hypervisor serves. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "instructions";

static char room[PAGE_SIZE] __attribute__((aligned(4096)));

#define INSTRUCTION(name, code)                                                                    \
	static void name(uint64_t argument)                                                        \
	{                                                                                          \
		asm volatile(code                                                                  \
		             :                                                                     \
		             : "a"(argument), "c"(0), "d"(0)                                       \
		             : "memory", "rbx", "rsi", "rdi");                                     \
	}

INSTRUCTION(vmrun, "vmrun %%rax")
INSTRUCTION(vmload, "vmload %%rax")
INSTRUCTION(vmsave, "vmsave %%rax")
INSTRUCTION(stgi, "stgi")
INSTRUCTION(clgi, "clgi")
INSTRUCTION(skinit, "skinit")
INSTRUCTION(invlpga, "invlpga %%rax, %%ecx")
INSTRUCTION(vmxon, "vmxon (%%rax)")
INSTRUCTION(vmxoff, "vmxoff")
INSTRUCTION(monitor, "monitor")
INSTRUCTION(mwait, "mwait")
INSTRUCTION(rsm, "rsm")
INSTRUCTION(getsec, "getsec")
INSTRUCTION(rdpmc, "rdpmc")
INSTRUCTION(xsetbv, "xsetbv")
INSTRUCTION(xsetbv_other, "inc %%ecx; xsetbv")
INSTRUCTION(write_dr6, "mov %%rax, %%dr6")
INSTRUCTION(write_dr7, "mov %%rax, %%dr7")
INSTRUCTION(invd, "invd")
INSTRUCTION(wbinvd, "wbinvd")
INSTRUCTION(clts, "clts")
INSTRUCTION(int3, "int3")
INSTRUCTION(int_any, "int $0x41")

struct attempt {
	const char *name;
	void (*function)(uint64_t argument);
	uint64_t argument;
};

/* For dom0 or for nobody: all are undefined or protected. */
static void forbidden(void)
{
	static const struct attempt attempts[] = {
		{ "vmrun", vmrun, (uint64_t)room },
		{ "vmrun", vmrun, 0 },
		{ "vmload", vmload, (uint64_t)room },
		{ "vmsave", vmsave, (uint64_t)room },
		{ "stgi", stgi, 0 },
		{ "clgi", clgi, 0 },
		{ "skinit", skinit, 0 },
		{ "invlpga", invlpga, 0 },
		{ "vmxon", vmxon, (uint64_t)room },
		{ "vmxoff", vmxoff, 0 },
		{ "monitor", monitor, (uint64_t)room },
		{ "mwait", mwait, 0 },
		{ "rsm", rsm, 0 },
		{ "getsec", getsec, 0 },
		{ "rdpmc", rdpmc, 0 },
		{ "xsetbv 0", xsetbv, 0 },
		{ "xsetbv without x87", xsetbv, 6 },
		{ "xsetbv reserved", xsetbv, 0xfffffffe },
		{ "xsetbv of another register", xsetbv_other, 1 },
	};

	for (unsigned i = 0; i < COUNT(attempts); i++) {
		int trap = try_call(attempts[i].function, attempts[i].argument);

		if (trap != TRAP_UD && trap != TRAP_GP)
			failed("%s: trap %d", attempts[i].name, trap);
	}
}

/* Without effect, or only on oneself. */
static void harmless(void)
{
	CHECK(try_call(invd, 0) == NO_TRAP);
	CHECK(try_call(wbinvd, 0) == NO_TRAP);
	CHECK(try_call(clts, 0) == NO_TRAP);
	CHECK(try_call(int3, 0) == 3);
	CHECK(try_call(int_any, 0) == 0x41);
}

extern char after_cpuid[], after_call[];

static void step_cpuid(uint64_t unused)
{
	(void)unused;
	asm volatile("pushfq; orl $0x100, (%%rsp); xor %%eax, %%eax; popfq\n"
	             "cpuid\n"
	             "after_cpuid: nop"
	             :
	             :
	             : "rax", "rbx", "rcx", "rdx");
}

static void step_hypercall(uint64_t unused)
{
	(void)unused;
	asm volatile("pushfq; orl $0x100, (%%rsp); mov %0, %%eax; xor %%edi, %%edi; popfq\n"
	             "vmmcall\n"
	             "after_call: nop"
	             :
	             : "i"(__HYPERVISOR_xen_version)
	             : "rax", "rdi");
}

static void write_room(uint64_t unused)
{
	(void)unused;
	*(volatile uint32_t *)room = 1;
}

/* A step is one instruction, also where the hypervisor does its work. */
static void debugging(void)
{
	CHECK(try_call(write_dr6, 0xffff0ff0) == NO_TRAP);
	CHECK(try_call(step_cpuid, 0) == TRAP_DB && trapped.rip == (uint64_t)after_cpuid);
	if (is_amd)
		CHECK(try_call(step_hypercall, 0) == TRAP_DB &&
		      trapped.rip == (uint64_t)after_call);
	asm volatile("mov %0, %%dr0" : : "r"(room));
	CHECK(try_call(write_dr7, 0xd0402) == NO_TRAP); /* a write of four bytes */
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	CHECK(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, room) == 0);
	CHECK(try_call(write_room, 0) == TRAP_DB);
	CHECK(try_call(write_dr7, 0x400) == NO_TRAP);
}

void test_main(void)
{
	forbidden();
	harmless();
	debugging();
}
