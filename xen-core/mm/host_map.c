/* The hypervisor's own address space: the direct map of RAM, its image, stacks, device pages. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/host_map.h"

#include "hw/cpu.h"
#include "hw/lock.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "mm/boot_memory.h"
#include "mm/frame.h"
#include "mm/memory_map.h"

#define ENTRY_PRESENT    BIT(0)
#define ENTRY_WRITABLE   BIT(1)
#define ENTRY_UNCACHED   (BIT(3) | BIT(4)) /* the PAT's entry 3 */
#define ENTRY_LARGE      BIT(7)
#define ENTRY_GLOBAL     BIT(8)
#define ENTRY_NO_EXECUTE BIT(63)
#define ENTRY_ADDRESS    0x000ffffffffff000UL

#define ENTRY_TABLE   (ENTRY_PRESENT | ENTRY_WRITABLE)
#define MAP_CODE      (ENTRY_PRESENT | ENTRY_GLOBAL)
#define MAP_CONSTANT  (ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE)
#define MAP_DATA      (MAP_CONSTANT | ENTRY_WRITABLE)
#define MAP_REGISTERS (MAP_DATA | ENTRY_UNCACHED)

/* Entry n is what the bits PAT, PCD, PWT = n of a page mean: write-back, write-through, uncached that
 * MTRRs may weaken, uncached, write-combining, write-protected, uncached twice. */
#define PAT_VALUE 0x0000050100070406UL

#define ENTRIES           512
#define TOP_LEVEL         3
#define LEVEL_SIZE(level) BIT(PAGE_SHIFT + 9 * (level))

/* Until all RAM is mapped, tables must lie in what head.S has mapped. */
#define EARLY_LIMIT GIB(4)

#define DEVICE_AREA_SIZE GIB(512)
#define STACK_STRIDE                                                                               \
	(2 * STACK_SIZE) /* blocks are aligned, and what lies below one is not mapped */
#define STACK_GUARD_PAGE 3
#define STACK_ORDER      3

extern const char __image_start[], __image_end[], __text_start[], __text_end[];
extern const char __rodata_start[], __rodata_end[], __data_start[], __data_end[];
extern uint64_t boot_pml4[], boot_pdpt_low[], boot_page_directories[]; /* head.S */
extern const char boot_stack[];

_Static_assert(STACK_SIZE == PAGE_SIZE << STACK_ORDER, "a block of stacks is a block of frames");

static struct lock lock = LOCK_INIT(LOCK_HOST_MAP); /* over the tables below and next_device */
static paddr_t root;
static uint64_t next_device = DEVICE_AREA_BASE;

paddr_t virt_to_paddr(const void *address)
{
	uint64_t a = (uint64_t)address;

	ASSERT(a >= IMAGE_BASE || (a >= DIRECT_MAP_BASE && a < STACK_AREA_BASE));
	return a >= IMAGE_BASE ? a - IMAGE_BASE : a - DIRECT_MAP_BASE;
}

mfn_t virt_to_mfn(const void *address)
{
	return MFN(virt_to_paddr(address) >> PAGE_SHIFT);
}

static paddr_t new_table(void)
{
	mfn_t mfn;

	if (!frames_total())
		return boot_memory_take(PAGE_SIZE, EARLY_LIMIT);
	mfn = frame_alloc(0, DOMID_XEN);
	return mfn_is_none(mfn) ? 0 : mfn.v << PAGE_SHIFT;
}

/* The table that the entry points to, made if there is none; NULL if there is no memory. */
static uint64_t *next_table(uint64_t *entry)
{
	if (!(*entry & ENTRY_PRESENT)) {
		paddr_t table = new_table();

		if (!table)
			return NULL;
		*entry = table | ENTRY_TABLE;
	}
	ASSERT(!(*entry & ENTRY_LARGE));
	return paddr_to_virt(*entry & ENTRY_ADDRESS);
}

static unsigned index_at(uint64_t address, unsigned level)
{
	return address >> (PAGE_SHIFT + 9 * level) & (ENTRIES - 1);
}

static bool map_page(uint64_t address, paddr_t to, unsigned level, uint64_t rights)
{
	uint64_t *table = paddr_to_virt(root);

	for (unsigned at = TOP_LEVEL; at > level; at--) {
		table = next_table(&table[index_at(address, at)]);
		if (!table)
			return false;
	}
	table[index_at(address, level)] = to | rights | (level ? ENTRY_LARGE : 0);
	return true;
}

/* The largest page that can stand here: 0 for 4 KiB, 1 for 2 MiB, 2 for 1 GiB. */
static unsigned page_level(uint64_t address, paddr_t to, uint64_t size)
{
	unsigned level = cpu_has(CPU_PAGE_1G) ? 2 : 1;

	while (level && ((address | to) % LEVEL_SIZE(level) || size < LEVEL_SIZE(level)))
		level--;
	return level;
}

/* What is mapped was not before; so there is nothing to flush. False: no memory for tables. */
static bool map(uint64_t address, paddr_t to, uint64_t size, uint64_t rights)
{
	while (size) {
		unsigned level = page_level(address, to, size);

		if (!map_page(address, to, level, rights))
			return false;
		address += LEVEL_SIZE(level);
		to += LEVEL_SIZE(level);
		size -= LEVEL_SIZE(level);
	}
	return true;
}

/* At boot a lack of memory ends in boot_memory_take(). */
static void map_image(const char *start, const char *end, uint64_t rights)
{
	map((uint64_t)start, virt_to_paddr(start), (uint64_t)(end - start), rights);
}

static void map_direct(paddr_t start, paddr_t end)
{
	if (start < end)
		map(DIRECT_MAP_BASE + start, start, end - start, MAP_DATA);
}

/* RAM without our image: nowhere is a way to write to its code. */
static void map_ram(const struct memory_range *range)
{
	paddr_t image_start = virt_to_paddr(__image_start), image_end = virt_to_paddr(__image_end);

	if (range->type != MEMORY_RAM)
		return;
	map_direct(range->start, MIN(range->end, image_start));
	map_direct(MAX(range->start, image_end), range->end);
}

static const char *boot_guard_page(void)
{
	return boot_stack + STACK_GUARD_PAGE * PAGE_SIZE;
}

/* The tables of head.S: the upper half becomes that of the root, whose entries are all made by now;
 * of the lower half the first 2 MiB remain. */
static void make_boot_root(void)
{
	const uint64_t *top = paddr_to_virt(root);

	for (unsigned i = ENTRIES / 2; i < ENTRIES; i++)
		boot_pml4[i] = top[i];
	memset(boot_pdpt_low + 1, 0, 3 * sizeof(*boot_pdpt_low));
	memset(boot_page_directories + 1, 0, (ENTRIES - 1) * sizeof(*boot_page_directories));
}

void host_map_init(void)
{
	uint64_t *top;

	root = new_table();
	top = paddr_to_virt(root);
	for (unsigned i = 0; i < memory_map.count; i++)
		map_ram(&memory_map.ranges[i]);
	map_image(__text_start, __text_end, MAP_CODE);
	map_image(__rodata_start, __rodata_end, MAP_CONSTANT);
	map_image(__data_start, boot_guard_page(), MAP_DATA);
	map_image(boot_guard_page() + PAGE_SIZE, __data_end, MAP_DATA);
	next_table(&top[index_at(STACK_AREA_BASE, TOP_LEVEL)]);
	next_table(&top[index_at(DEVICE_AREA_BASE, TOP_LEVEL)]);
	host_map_cpu_init();
	make_boot_root();
}

static bool cpu_has_umip(void)
{
	return cpuid(0, 0).eax >= 7 && cpuid(7, 0).ecx & BIT(2);
}

/* The PAT's first four entries, all that we use, are those of a reset: no cache has to be flushed. */
void host_map_cpu_init(void)
{
	uint64_t cr4 = read_cr4() | CR4_PGE | CR4_MCE;

	if (cpu_has(CPU_SMEP))
		cr4 |= CR4_SMEP;
	if (cpu_has(CPU_SMAP))
		cr4 |= CR4_SMAP;
	if (cpu_has_umip())
		cr4 |= CR4_UMIP;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	write_cr0(read_cr0() | CR0_WP | CR0_NE | CR0_MP);
	wrmsr(MSR_PAT, PAT_VALUE);
	write_cr3(root);
	write_cr4(cr4);
}

void *host_map_device(paddr_t address, size_t size, bool cached)
{
	uint64_t offset = address % PAGE_SIZE;
	uint64_t start;
	bool done;

	size = ALIGN_UP(size + offset, PAGE_SIZE);
	if (size > DEVICE_AREA_SIZE)
		return NULL;
	lock_take(&lock);
	start = next_device;
	done = start + size <= DEVICE_AREA_BASE + DEVICE_AREA_SIZE &&
	       map(start, address - offset, size, cached ? MAP_DATA : MAP_REGISTERS);
	if (done)
		next_device += size;
	lock_release(&lock);
	return done ? (void *)(start + offset) : NULL;
}

static bool map_stack(uint64_t start, paddr_t frames)
{
	uint64_t above = (STACK_GUARD_PAGE + 1) * PAGE_SIZE;

	return map(start, frames, STACK_GUARD_PAGE * PAGE_SIZE, MAP_DATA) &&
	       map(start + above, frames + above, STACK_SIZE - above, MAP_DATA);
}

void *host_map_stack(unsigned cpu)
{
	uint64_t start = STACK_AREA_BASE + (cpu + 1) * STACK_STRIDE;
	mfn_t frames = frame_alloc(STACK_ORDER, DOMID_XEN);
	bool done;

	if (mfn_is_none(frames))
		return NULL;
	lock_take(&lock);
	done = map_stack(start, frames.v << PAGE_SHIFT);
	lock_release(&lock);
	if (!done) {
		frame_free(frames, STACK_ORDER);
		return NULL;
	}
	frame_free(MFN(frames.v + STACK_GUARD_PAGE), 0);
	return (void *)start;
}

uint64_t host_map_root(void)
{
	return root;
}

uint64_t host_map_boot_root(void)
{
	return virt_to_paddr(boot_pml4);
}
