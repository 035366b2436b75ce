/* Self-tests: the hypervisor's own address space: nothing is both writable and executable. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/cpu.h"
#include "hw/fixup.h"
#include "hw/percpu.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "selftest/selftest.h"

#define ENTRY_PRESENT  BIT(0)
#define ENTRY_WRITABLE BIT(1)
#define ENTRY_USER     BIT(2)
#define ENTRY_LARGE    BIT(7)
#define ENTRY_NX       BIT(63)
#define ENTRY_ADDRESS  0x000ffffffffff000UL

static bool read_faults(const void *address)
{
	bool faults = true;

	asm volatile("1: movb (%1), %b0\n"
	             "movb $0, %b0\n"
	             "2:\n" FIXUP("1b", "2b")
	             : "+q"(faults)
	             : "r"(address)
	             : "memory");
	return faults;
}

/* Writes what stands there already: if it does not fault, nothing is harmed. */
static bool write_faults(const void *address)
{
	bool faults = true;

	asm volatile("1: lock orb $0, (%1)\n"
	             "movb $0, %b0\n"
	             "2:\n" FIXUP("1b", "2b")
	             : "+q"(faults)
	             : "r"(address)
	             : "memory", "cc");
	return faults;
}

/* Both hold a RET instruction. The fault is at the address called; the return address is on the stack. */
asm(".pushsection .data\n"
    "selftest_data_code: ret\n"
    ".popsection\n"
    ".pushsection .rodata\n"
    "selftest_rodata_code: ret\n"
    ".popsection\n");

#define EXECUTION_FAULTS(code)                                                                     \
	({                                                                                         \
		bool faults = true;                                                                \
		asm volatile("call " code "\n"                                                     \
		             "movb $0, %b0\n"                                                      \
		             "jmp 3f\n"                                                            \
		             "2: add $8, %%rsp\n"                                                  \
		             "3:\n" FIXUP(code, "2b")                                              \
		             : "+q"(faults)                                                        \
		             :                                                                     \
		             : "memory", "cc");                                                    \
		faults;                                                                            \
	})

static const char *image_permissions(void)
{
	static const char constant[] = "constant";
	static char variable;

	CHECK(write_faults((const void *)selftest_wait));
	CHECK(write_faults(constant) && !read_faults(constant));
	CHECK(!write_faults(&variable));
	CHECK(EXECUTION_FAULTS("selftest_data_code"));
	CHECK(EXECUTION_FAULTS("selftest_rodata_code"));
	return NULL;
}

/* The page below every stack proper is not there, so that one that overflows does not go unseen. */
static const char *stack_guards(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		const char *stack = cpus[i]->stack;

		CHECK(read_faults(stack + 3 * PAGE_SIZE));
		CHECK(read_faults(stack + 4 * PAGE_SIZE - 1));
		CHECK(!write_faults(stack + 4 * PAGE_SIZE));
		CHECK(!write_faults(stack + 2 * PAGE_SIZE));
		CHECK(!write_faults(stack + STACK_SIZE - 1));
	}
	return NULL;
}

static const char *nothing_below(void)
{
	CHECK(read_faults(NULL));
	CHECK(read_faults((const void *)MIB(1)));
	CHECK(read_faults((const void *)MIB(2)));
	return NULL;
}

/* Firmware and device memory is not in the direct map, and a device page is not executable. */
static const char *direct_map(void)
{
	mfn_t frame = frame_alloc(0, DOMID_XEN);

	CHECK(!mfn_is_none(frame));
	CHECK(!write_faults(mfn_to_virt(frame)));
	CHECK(virt_to_mfn(mfn_to_virt(frame)).v == frame.v);
	CHECK(read_faults(paddr_to_virt(0xfee00000)));
	CHECK(read_faults(paddr_to_virt(virt_to_paddr(selftests_host_map))));
	frame_free(frame, 0);
	return NULL;
}

/* What the CPU finds on its way down. */
struct walk {
	unsigned leaves;
	unsigned writable_and_executable, for_users;
	bool in_lower_half;
};

static void walk_table(struct walk *walk, paddr_t address, unsigned level, uint64_t above)
{
	const uint64_t *table = paddr_to_virt(address);

	for (unsigned i = 0; i < 512; i++) {
		/* Writable needs every level's consent, no-execute one level's: kept inverted here. */
		uint64_t entry = table[i], rights = (entry ^ ENTRY_NX) & above;

		if (!(entry & ENTRY_PRESENT))
			continue;
		if (level == 4 && i < 256)
			walk->in_lower_half = true;
		if (level > 1 && !(entry & ENTRY_LARGE)) {
			walk_table(walk, entry & ENTRY_ADDRESS, level - 1, rights);
			continue;
		}
		walk->leaves++;
		walk->for_users += !!(rights & ENTRY_USER);
		walk->writable_and_executable += (rights & ENTRY_WRITABLE) && (rights & ENTRY_NX);
	}
}

static const char *every_mapping(void)
{
	struct walk walk = { .leaves = 0 };

	walk_table(&walk, read_cr3() & ENTRY_ADDRESS, 4, ~0UL);
	CHECK(walk.leaves > 10);
	CHECK(walk.writable_and_executable == 0);
	CHECK(walk.for_users == 0);
	CHECK(!walk.in_lower_half);
	CHECK(read_cr0() & CR0_WP);
	return NULL;
}

static const char *protection_features(void)
{
	CHECK(!cpu_has(CPU_NX) || rdmsr(MSR_EFER) & EFER_NXE);
	CHECK(!cpu_has(CPU_SMEP) || read_cr4() & CR4_SMEP);
	CHECK(!cpu_has(CPU_SMAP) || read_cr4() & CR4_SMAP);
	return NULL;
}

const struct selftest selftests_host_map[] = {
	{ "host_map_image_permissions", image_permissions },
	{ "host_map_stack_guards", stack_guards },
	{ "host_map_nothing_below", nothing_below },
	{ "host_map_direct_map", direct_map },
	{ "host_map_every_mapping", every_mapping },
	{ "host_map_protection_features", protection_features },
	{ NULL, NULL },
};
