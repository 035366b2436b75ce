/* What the boot loader hands over, read from either form of multiboot. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "boot/multiboot.h"

#include "boot/boot_info.h"
#include "lib/assert.h"
#include "lib/bytes.h"
#include "lib/print.h"
#include "lib/string.h"
#include "mm/host_map.h"
#include "mm/memory_map.h"

#define MULTIBOOT2_MAGIC 0x36d76289 /* head.S has seen that it is this or that of version 1 */

#define RSDP_SIZE_MAX 36

struct boot_info boot_info;

static uint8_t rsdp_copy[RSDP_SIZE_MAX];

/* All the loader's structures lie below 4 GiB, which head.S has mapped. */
static const void *at(paddr_t address)
{
	return paddr_to_virt(address);
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

static const char *after_word(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

/* Arguments only. GRUB 2 leaves the file's name out, and by custom its menus put the word
 * "placeholder" there; others begin with the name. */
static void copy_arguments(char to[1024], const char *text)
{
	bool has_name = strncmp(boot_info.loader, "GRUB", 4) != 0;

	while (*text == ' ')
		text++;
	if (has_name || strncmp(text, "placeholder", 11) == 0)
		text = after_word(text);
	copy_text(to, 1024, text);
}

static void add_module(paddr_t start, paddr_t end, const char *command_line)
{
	struct boot_module *module = &boot_info.modules[boot_info.module_count];

	if (boot_info.module_count == BOOT_MAX_MODULES) {
		log_error("boot: only %u modules are used\n", BOOT_MAX_MODULES);
		return;
	}
	boot_info.module_count++;
	module->start = start;
	module->end = end;
	copy_arguments(module->command_line, command_line);
}

static void add_memory(paddr_t start, uint64_t size, uint32_t type)
{
	uint64_t end = start + MIN(size, UINT64_MAX - start);

	if (memory_map.count == MEMORY_MAP_MAX) {
		log_error("boot: memory at 0x%lx does not fit into the map\n", start);
		return;
	}
	memory_map.ranges[memory_map.count++] = (struct memory_range){ start, end, type };
}

struct multiboot1_info {
	uint32_t flags;
	uint32_t memory_low, memory_high;
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t module_count, modules;
	uint32_t symbols[4];
	uint32_t map_size, map;
	uint32_t drives[2];
	uint32_t config;
	uint32_t loader;
};

#define INFO1_COMMAND_LINE BIT(2)
#define INFO1_MODULES      BIT(3)
#define INFO1_MAP          BIT(6)
#define INFO1_LOADER       BIT(9)

/* Entries name their own size, without the 4 bytes that do so. */
static void read_map1(const uint8_t *map, size_t size)
{
	for (const uint8_t *entry = map; entry + 24 <= map + size; entry += load_le32(entry) + 4)
		add_memory(load_le64(entry + 4), load_le64(entry + 12), load_le32(entry + 20));
}

static void read_modules1(const uint8_t *modules, unsigned count)
{
	for (const uint8_t *module = modules; module < modules + 16 * count; module += 16) {
		uint32_t text = load_le32(module + 8);

		add_module(load_le32(module), load_le32(module + 4), text ? at(text) : "");
	}
}

static void read_multiboot1(paddr_t address)
{
	struct multiboot1_info info;

	memcpy(&info, at(address), sizeof(info));
	if (info.flags & INFO1_LOADER)
		copy_text(boot_info.loader, sizeof(boot_info.loader), at(info.loader));
	if (info.flags & INFO1_COMMAND_LINE)
		copy_arguments(boot_info.command_line, at(info.command_line));
	if (info.flags & INFO1_MODULES)
		read_modules1(at(info.modules), info.module_count);
	if (info.flags & INFO1_MAP)
		read_map1(at(info.map), info.map_size);
}

enum multiboot2_tag {
	TAG_END = 0,
	TAG_COMMAND_LINE = 1,
	TAG_LOADER = 2,
	TAG_MODULE = 3,
	TAG_MAP = 6,
	TAG_RSDP_OLD = 14,
	TAG_RSDP_NEW = 15,
};

static void read_map2(const uint8_t *tag, size_t size)
{
	uint32_t entry_size = load_le32(tag + 8);

	if (entry_size < 20)
		return;
	for (const uint8_t *entry = tag + 16; entry + entry_size <= tag + size; entry += entry_size)
		add_memory(load_le64(entry), load_le64(entry + 8), load_le32(entry + 16));
}

static void copy_rsdp(const uint8_t *tag, size_t size)
{
	memcpy(rsdp_copy, tag + 8, MIN(size - 8, sizeof(rsdp_copy)));
	boot_info.rsdp = virt_to_paddr(rsdp_copy);
}

static void read_tag(uint32_t type, const uint8_t *tag, size_t size)
{
	switch (type) {
	case TAG_COMMAND_LINE:
		copy_arguments(boot_info.command_line, (const char *)tag + 8);
		break;
	case TAG_MODULE:
		add_module(load_le32(tag + 8), load_le32(tag + 12), (const char *)tag + 16);
		break;
	case TAG_MAP:
		read_map2(tag, size);
		break;
	case TAG_RSDP_OLD:
		if (!boot_info.rsdp)
			copy_rsdp(tag, size);
		break;
	case TAG_RSDP_NEW:
		copy_rsdp(tag, size);
		break;
	}
}

/* The next tag from `tag` on that has this type (any, with TAG_END); NULL if there is none. */
static const uint8_t *find_tag(const uint8_t *tag, const uint8_t *end, uint32_t type)
{
	while (tag + 8 <= end) {
		uint32_t found = load_le32(tag), size = load_le32(tag + 4);

		if (found == TAG_END || size < 8)
			return NULL;
		if (type == TAG_END || found == type)
			return tag;
		tag += ALIGN_UP(size, 8);
	}
	return NULL;
}

/* The loader's name first: how the other texts are to be read depends on it. */
static void read_multiboot2(paddr_t address)
{
	const uint8_t *info = at(address);
	const uint8_t *end = info + load_le32(info);
	const uint8_t *tag = find_tag(info + 8, end, TAG_LOADER);

	if (tag)
		copy_text(boot_info.loader, sizeof(boot_info.loader), (const char *)tag + 8);
	for (tag = info + 8; (tag = find_tag(tag, end, TAG_END));
	     tag += ALIGN_UP(load_le32(tag + 4), 8))
		read_tag(load_le32(tag), tag, load_le32(tag + 4));
}

extern const char __image_start[], __image_end[];

void multiboot_read(uint32_t magic, paddr_t info)
{
	boot_info.image_start = virt_to_paddr(__image_start);
	boot_info.image_end = virt_to_paddr(__image_end);
	if (magic == MULTIBOOT2_MAGIC)
		read_multiboot2(info);
	else
		read_multiboot1(info);
	if (!memory_map.count)
		fatal("the boot loader gave no memory map\n");
}
