/* Building dom0: its kernel in place, its start info written, its first vCPU at the PVH entry. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/dom0.h"

#include "boot/boot_info.h"
#include "boot/kernel_image.h"
#include "hw/acpi.h"
#include "hw/cpu.h"
#include "hw/percpu.h"
#include "irq/physical.h"
#include "lib/assert.h"
#include "lib/options.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "sched/sched.h"
#include "vcpu/ops.h"

/*
 * Right behind the kernel: its ACPI root, then the page of start info with what it points to, then
 * the initrd. All of it below 1 GiB, where the kernel's first page tables reach.
 */
#define START_INFO_PAGES 2
#define COMMAND_LINE_AT  2048 /* in the second page; the memory map takes the first */
#define LOW_LIMIT        GIB(1)

struct plan {
	struct kernel_image image;
	struct kernel_layout layout;
	mfn_t buffer; /* of the unpacked kernel */
	unsigned buffer_order;
	struct memory_map map; /* dom0's */
	paddr_t acpi, start_info, initrd, initrd_end;
};

static const struct boot_module *module_at(unsigned index)
{
	return index < boot_info.module_count ? &boot_info.modules[index] : NULL;
}

static void buffer_alloc(struct plan *plan, size_t size)
{
	while (PAGE_SIZE << plan->buffer_order < size)
		plan->buffer_order++;
	plan->buffer = plan->buffer_order <= FRAME_MAX_ORDER
	                       ? frame_alloc(plan->buffer_order, DOMID_XEN)
	                       : MFN_NONE;
	if (mfn_is_none(plan->buffer))
		fatal("too little memory beside dom0's to unpack its kernel: %lu MiB are needed\n",
		      (PAGE_SIZE << plan->buffer_order) >> 20);
}

/* Leaves the kernel's file in a buffer of ours: the module's own place may be wanted for the kernel. */
static void kernel_read(struct plan *plan, const struct boot_module *module)
{
	const void *file = paddr_to_virt(module->start);
	size_t size = module->end - module->start;
	const char *why = "";
	int err = kernel_image_open(&plan->image, file, size, &why);

	if (!err) {
		buffer_alloc(plan, plan->image.payload ? plan->image.unpacked_size : size);
		if (!plan->image.payload)
			file = memcpy(mfn_to_virt(plan->buffer), file, size);
		err = plan->image.payload
		              ? kernel_image_unpack(&plan->image, mfn_to_virt(plan->buffer),
		                                    PAGE_SIZE << plan->buffer_order, &why)
		              : kernel_image_open(&plan->image, file, size, &why);
	}
	if (!err)
		err = kernel_image_layout(&plan->image, &plan->layout, &why);
	if (err)
		fatal("dom0 kernel: %s\n", why);
}

static bool is_dom0_ram(const struct memory_map *map, paddr_t start, paddr_t end)
{
	for (unsigned i = 0; i < map->count; i++)
		if (map->ranges[i].type == MEMORY_RAM && map->ranges[i].start <= start &&
		    end <= map->ranges[i].end)
			return true;
	return false;
}

static void plan_places(struct plan *plan, const struct boot_module *initrd)
{
	size_t initrd_size = initrd ? initrd->end - initrd->start : 0;

	plan->acpi = ALIGN_UP(plan->layout.end, PAGE_SIZE);
	plan->start_info = plan->acpi + DOM0_ACPI_PAGES * PAGE_SIZE;
	plan->initrd = plan->start_info + START_INFO_PAGES * PAGE_SIZE;
	plan->initrd_end = plan->initrd + initrd_size;
	if (plan->initrd > LOW_LIMIT ||
	    !is_dom0_ram(&plan->map, plan->layout.start, plan->initrd_end))
		fatal("too little memory for dom0: its kernel and initrd need %#lx to %#lx\n",
		      plan->layout.start, plan->initrd_end);
}

static void kernel_place(const struct plan *plan)
{
	struct kernel_segment segment;

	for (unsigned i = 0; kernel_image_segment(&plan->image, i, &segment); i++) {
		char *to = paddr_to_virt(segment.address);

		memcpy(to, segment.data, segment.file_size);
		memset(to + segment.file_size, 0, segment.memory_size - segment.file_size);
	}
}

static void start_info_write(const struct plan *plan, const struct boot_module *kernel,
                             paddr_t rsdp)
{
	struct hvm_start_info *info = paddr_to_virt(plan->start_info);
	struct hvm_modlist_entry *modules = (void *)(info + 1);
	struct hvm_memmap_table_entry *entries = (void *)(modules + 1);
	char *command_line = (char *)paddr_to_virt(plan->start_info) + PAGE_SIZE + COMMAND_LINE_AT;
	const char *arguments = kernel->command_line;

	memset(info, 0, START_INFO_PAGES * PAGE_SIZE);
	memcpy(command_line, arguments, strlen(arguments));
	*info = (struct hvm_start_info){
		.magic = XEN_HVM_START_MAGIC_VALUE,
		.version = 1,
		.flags = SIF_PRIVILEGED | SIF_INITDOMAIN,
		.nr_modules = plan->initrd_end > plan->initrd,
		.modlist_paddr = plan->start_info + sizeof(*info),
		.cmdline_paddr = plan->start_info + PAGE_SIZE + COMMAND_LINE_AT,
		.rsdp_paddr = rsdp,
		.memmap_paddr = plan->start_info + sizeof(*info) + sizeof(*modules),
		.memmap_entries = plan->map.count,
	};
	*modules = (struct hvm_modlist_entry){ .paddr = plan->initrd,
		                               .size = plan->initrd_end - plan->initrd };
	for (unsigned i = 0; i < plan->map.count; i++)
		entries[i] = (struct hvm_memmap_table_entry){
			.addr = plan->map.ranges[i].start,
			.size = plan->map.ranges[i].end - plan->map.ranges[i].start,
			.type = plan->map.ranges[i].type,
		};
}

_Static_assert(sizeof(struct hvm_start_info) + sizeof(struct hvm_modlist_entry) +
                               MEMORY_MAP_MAX * sizeof(struct hvm_memmap_table_entry) <
                       PAGE_SIZE + COMMAND_LINE_AT,
               "start info and memory map do not reach the command line");

/* The state that the PVH boot protocol promises: flat 32-bit protected mode, no paging. */
static void enter_at(struct vcpu *vcpu, paddr_t entry, paddr_t start_info)
{
	struct segment data = { .attributes = 0xc93, .limit = 0xffffffff };
	struct segment code = { .attributes = 0xc9b, .limit = 0xffffffff };
	struct segment task = { .attributes = 0x8b, .limit = 0x67 };

	for (enum segment_name name = SEGMENT_ES; name <= SEGMENT_GS; name++)
		vcpu_ops->set_segment(vcpu, name, name == SEGMENT_CS ? &code : &data);
	vcpu_ops->set_segment(vcpu, SEGMENT_TR, &task);
	vcpu_ops->set_control(vcpu, CONTROL_CR0, CR0_PE | CR0_ET);
	vcpu->regs = (struct guest_regs){ .rbx = start_info, .rip = entry, .rflags = RFLAGS_FIXED };
}

static struct domain *dom0_create(void)
{
	unsigned count = options.dom0_max_vcpus ? MIN(options.dom0_max_vcpus, guest_cpu_count)
	                                        : guest_cpu_count;
	struct domain_config config = {
		.id = 0,
		.privileged = true,
		.max_vcpus = count,
		.create_flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.emulation_flags = XEN_X86_EMU_LAPIC,
	};
	mfn_t ports = dom0_port_map();

	if (mfn_is_none(ports) || domain_create(&config, &dom0))
		fatal("no memory to create dom0\n");
	for (unsigned i = 0; i < count; i++) {
		if (domain_vcpu_create(dom0, i, cpus[i]))
			fatal("no memory for dom0's vCPU %u\n", i);
		dom0->vcpus[i]->apic_id = cpus[i]->apic_id; /* devices send to the real ids */
		dom0->vcpus[i]->affinity = BIT(i);
		vcpu_ops->set_port_map(dom0->vcpus[i], ports);
		physical_attach(cpus[i], dom0->vcpus[i]);
	}
	return dom0;
}

static void modules_release(void)
{
	for (unsigned i = 0; i < boot_info.module_count; i++)
		frame_release_boot(boot_info.modules[i].start, boot_info.modules[i].end);
}

void dom0_build(void)
{
	static struct plan plan; /* too large for the stack */
	const struct boot_module *kernel = module_at(0), *initrd = module_at(1);
	struct domain *domain;
	uint64_t pages;

	if (!kernel)
		fatal("no kernel module: the boot loader passed nothing to run as dom0\n");
	domain = dom0_create();
	modules_release();
	pages = dom0_memory_claim(domain, &plan.map);
	kernel_read(&plan, kernel);
	plan_places(&plan, initrd);
	/* From here on the modules' places are overwritten: the initrd first moves out of the way. */
	if (initrd)
		memmove(paddr_to_virt(plan.initrd), paddr_to_virt(initrd->start),
		        plan.initrd_end - plan.initrd);
	kernel_place(&plan);
	dom0_memory_retype(&plan.map, plan.acpi, plan.start_info, MEMORY_ACPI);
	start_info_write(&plan, kernel, dom0_acpi_build(domain, plan.acpi));
	frame_free(plan.buffer, plan.buffer_order);

	domain->pages = domain->max_pages = pages;
	domain->time_offset_seconds = 0;
	enter_at(domain->vcpus[0], plan.layout.entry, plan.start_info);
	domain->state = DOMAIN_ALIVE;
	domain->controller_pauses = 0;
	sched_up(domain->vcpus[0]);
	domain_unpause(domain);
	log_info("dom0: %lu MiB, %u vCPUs, kernel at %#lx to %#lx, entry %#lx\n",
	         pages >> (20 - PAGE_SHIFT), domain->vcpu_count, plan.layout.start, plan.layout.end,
	         plan.layout.entry);
}
