/* Faults of the hypervisor itself: the report that ends its run. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/fault.h"

#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/panic.h"
#include "hw/percpu.h"
#include "lib/print.h"
#include "lib/symbols.h"

#define BACKTRACE_MAX 32
#define GUARD_PAGE    3 /* of a stack block: hw/percpu.h */

#define PF_PRESENT  BIT(0)
#define PF_WRITE    BIT(1)
#define PF_RESERVED BIT(3)
#define PF_FETCH    BIT(4)

static const char *const names[] = {
	"#DE", "#DB",         "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
	"#DF", "exception 9", "#TS", "#NP", "#SS", "#GP", "#PF", "exception 15",
	"#MF", "#AC",         "#MC", "#XM", "#VE", "#CP",
};

bool fault_is_hopeless(uint64_t vector)
{
	return vector == EXCEPTION_NMI || vector == EXCEPTION_DF || vector == EXCEPTION_MC;
}

static bool is_in_guard_page(uint64_t address)
{
	uint64_t guard = (uint64_t)this_cpu()->stack + GUARD_PAGE * PAGE_SIZE;

	return address >= guard && address < guard + PAGE_SIZE;
}

static const char *access_name(uint64_t error)
{
	return error & PF_FETCH ? "execution" : error & PF_WRITE ? "write" : "read";
}

static const char *denial_name(uint64_t error)
{
	return error & PF_RESERVED  ? "reserved bits set"
	       : error & PF_PRESENT ? "not allowed"
	                            : "not mapped";
}

/* A push onto a full stack cannot even report its #PF: the CPU makes a #DF of it. */
static void say_what(const struct trap_frame *frame)
{
	const char *name = frame->vector < ARRAY_SIZE(names) ? names[frame->vector] : "exception";
	unsigned cpu = this_cpu()->id;
	uint64_t address = read_cr2();
	void *rip = (void *)frame->rip;

	if (frame->vector == EXCEPTION_DF && is_in_guard_page(frame->rsp - 8))
		panic_say("%s in hypervisor at %ps on CPU %u: stack overflow\n", name, rip, cpu);
	else if (frame->vector == EXCEPTION_PF)
		panic_say("%s in hypervisor at %ps on CPU %u: %s of %p%s: %s\n", name, rip, cpu,
		          access_name(frame->error), (void *)address,
		          is_in_guard_page(address) ? " (stack guard)" : "",
		          denial_name(frame->error));
	else if (frame->vector == EXCEPTION_NMI)
		panic_say("%s in hypervisor at %ps on CPU %u: the hardware reports an error\n",
		          name, rip, cpu);
	else
		panic_say("%s in hypervisor at %ps on CPU %u: error code 0x%lx\n", name, rip, cpu,
		          frame->error);
}

static void print_registers(const struct trap_frame *r)
{
	print("rip %016lx  cs  %04lx  rflags %08lx  error %lx\n", r->rip, r->cs, r->rflags,
	      r->error);
	print("rsp %016lx  ss  %04lx\n", r->rsp, r->ss);
	print("rax %016lx  rbx %016lx  rcx %016lx\n", r->rax, r->rbx, r->rcx);
	print("rdx %016lx  rsi %016lx  rdi %016lx\n", r->rdx, r->rsi, r->rdi);
	print("rbp %016lx  r8  %016lx  r9  %016lx\n", r->rbp, r->r8, r->r9);
	print("r10 %016lx  r11 %016lx  r12 %016lx\n", r->r10, r->r11, r->r12);
	print("r13 %016lx  r14 %016lx  r15 %016lx\n", r->r13, r->r14, r->r15);
	print("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %08lx\n", read_cr0(), read_cr2(), read_cr3(),
	      read_cr4());
}

void fault_report(const struct trap_frame *frame)
{
	panic_begin();
	say_what(frame);
	print_registers(frame);
	backtrace_print(frame->rip, frame->rbp);
	panic_end();
}

/* Each function's frame holds its caller's RBP and where that goes on. Anything that does not lie
 * further up on this CPU's stack ends the walk: the stack itself may be what is broken. */
void backtrace_print(uint64_t rip, uint64_t rbp)
{
	uint64_t block = (uint64_t)this_cpu()->stack;
	uint64_t lowest = block;

	print("called from:\n");
	print("  %ps\n", (void *)rip);
	for (unsigned i = 0; i < BACKTRACE_MAX; i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (rbp < lowest || rbp > block + STACK_SIZE - 32 || rbp % 8)
			return;
		print("  %ps\n", (void *)frame[1]);
		lowest = rbp + 16;
		rbp = frame[0];
	}
}
