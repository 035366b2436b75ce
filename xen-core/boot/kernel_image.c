/* Reads the kernel that dom0 will run: a Linux bzImage packed with xz, or a plain ELF64 file. */
/* SPDX-License-Identifier: Apache-2.0 */

/* A bzImage is sectors of real-mode code, whose first holds the header of the boot protocol, and
 * then protected-mode code that carries the real kernel as its payload: an ELF file, packed, with
 * its unpacked size in the last four bytes. */

#include "boot/kernel_image.h"

#include "abi/public.h"
#include "lib/bytes.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/xz.h"

enum {
	/* Offsets into a bzImage. */
	SETUP_SECTORS = 0x1f1,  /* one byte; beside the boot sector itself */
	PROTECTED_SIZE = 0x1f4, /* of the protected-mode code, in 16 bytes */
	BOOT_FLAG = 0x1fe,
	HEADER_MAGIC = 0x202,
	PROTOCOL_VERSION = 0x206,
	PAYLOAD_OFFSET = 0x248, /* from the protected-mode code */
	PAYLOAD_SIZE = 0x24c,
	BZIMAGE_HEADER_END = 0x250,

	BOOT_FLAG_VALUE = 0xaa55,
	PROTOCOL_WITH_PAYLOAD = 0x208,
	SECTOR_SIZE = 512,
	SETUP_SECTORS_DEFAULT = 4,
	TRAILER_SIZE = 4,

	ELF_CLASS_64 = 2,
	ELF_LITTLE_ENDIAN = 1,
	ELF_VERSION = 1,
	ELF_EXECUTABLE = 2,
	ELF_MACHINE_X86_64 = 62,
	ELF_SEGMENT_LOAD = 1,
	ELF_SEGMENT_NOTE = 4,
	ELF_SEGMENTS_MAX = 64,
};

static const uint8_t elf_magic[] = { 0x7f, 'E', 'L', 'F' };

struct elf_header {
	uint8_t magic[4];
	uint8_t class, byte_order, ident_version;
	uint8_t ident_rest[9];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry;
	uint64_t segments_offset, sections_offset;
	uint32_t flags;
	uint16_t header_size;
	uint16_t segment_entry_size, segment_count;
	uint16_t section_entry_size, section_count, section_names;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset;
	uint64_t virtual_address, physical_address;
	uint64_t file_size, memory_size;
	uint64_t align;
};

struct elf_note {
	uint32_t name_size, data_size, type;
};

static const struct packing {
	uint8_t magic_size;
	uint8_t magic[6];
	const char *why;
} packings_not_read[] = {
	{ 2, { 0x1f, 0x8b }, "kernel is compressed with gzip: only xz is read" },
	{ 3, { 'B', 'Z', 'h' }, "kernel is compressed with bzip2: only xz is read" },
	{ 3, { 0x5d, 0x00, 0x00 }, "kernel is compressed with lzma: only xz is read" },
	{ 4, { 0x89, 'L', 'Z', 'O' }, "kernel is compressed with lzo: only xz is read" },
	{ 4, { 0x02, 0x21, 0x4c, 0x18 }, "kernel is compressed with lz4: only xz is read" },
	{ 4, { 0x28, 0xb5, 0x2f, 0xfd }, "kernel is compressed with zstd: only xz is read" },
};
static const uint8_t xz_magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0x00 };

static int fail(int error, const char **why, const char *sentence)
{
	*why = sentence;
	return error;
}

static bool begins_with(const uint8_t *data, size_t size, const uint8_t *magic, size_t magic_size)
{
	return size >= magic_size && memcmp(data, magic, magic_size) == 0;
}

/* Is [offset, offset + size) within something of `limit` bytes? */
static bool is_within(uint64_t offset, uint64_t size, uint64_t limit)
{
	return offset <= limit && size <= limit - offset;
}

static bool is_bzimage(const uint8_t *file, size_t size)
{
	return size >= BZIMAGE_HEADER_END && load_le16(file + BOOT_FLAG) == BOOT_FLAG_VALUE &&
	       memcmp(file + HEADER_MAGIC, "HdrS", 4) == 0;
}

static int check_packing(const uint8_t *payload, size_t size, const char **why)
{
	size_t known = sizeof(packings_not_read) / sizeof(packings_not_read[0]);

	if (begins_with(payload, size, xz_magic, sizeof(xz_magic)))
		return 0;
	for (size_t i = 0; i < known; i++) {
		const struct packing *packing = &packings_not_read[i];

		if (begins_with(payload, size, packing->magic, packing->magic_size))
			return fail(-EOPNOTSUPP, why, packing->why);
	}
	return fail(-EOPNOTSUPP, why, "kernel is compressed in an unknown way: only xz is read");
}

static int open_bzimage(struct kernel_image *image, const uint8_t *file, size_t size,
                        const char **why)
{
	uint64_t sectors = file[SETUP_SECTORS] ? file[SETUP_SECTORS] : SETUP_SECTORS_DEFAULT;
	uint64_t code = (sectors + 1) * SECTOR_SIZE;
	uint64_t code_size = (uint64_t)load_le32(file + PROTECTED_SIZE) * 16;
	uint64_t offset = load_le32(file + PAYLOAD_OFFSET);
	uint64_t payload_size = load_le32(file + PAYLOAD_SIZE);
	int error;

	if (load_le16(file + PROTOCOL_VERSION) < PROTOCOL_WITH_PAYLOAD)
		return fail(-EOPNOTSUPP, why,
		            "kernel is too old: its boot protocol is before 2.08");
	if (payload_size <= TRAILER_SIZE || !is_within(offset, payload_size, code_size))
		return fail(-EINVAL, why, "kernel is damaged: its header contradicts itself");
	/* The size is told in 16 bytes, rounded up: the last of them need not be there. */
	if (!is_within(code, code_size - 15, size) || !is_within(code + offset, payload_size, size))
		return fail(-EINVAL, why, "kernel is truncated: its header tells of a longer file");
	image->payload = file + code + offset;
	image->payload_size = payload_size - TRAILER_SIZE;
	image->unpacked_size = load_le32(image->payload + image->payload_size);
	error = check_packing(image->payload, image->payload_size, why);
	if (!error && image->unpacked_size == 0)
		error = fail(-EINVAL, why, "kernel is damaged: it says that it unpacks to nothing");
	return error;
}

int kernel_image_open(struct kernel_image *image, const void *file, size_t size, const char **why)
{
	*image = (struct kernel_image){ 0 };
	if (begins_with(file, size, elf_magic, sizeof(elf_magic))) {
		image->elf = file;
		image->elf_size = size;
		return 0;
	}
	if (!is_bzimage(file, size))
		return fail(-EINVAL, why, "kernel is neither a bzImage nor an ELF file");
	return open_bzimage(image, file, size, why);
}

int kernel_image_unpack(struct kernel_image *image, void *buffer, size_t buffer_size,
                        const char **why)
{
	size_t produced;
	int error;

	if (!image->payload)
		return 0;
	if (buffer_size < image->unpacked_size)
		return fail(-ENOSPC, why, "kernel needs more memory to unpack than there is");
	error = xz_decode(image->payload, image->payload_size, buffer, image->unpacked_size,
	                  &produced);
	if (error == -EOPNOTSUPP)
		return fail(error, why,
		            "kernel is compressed with features of xz that are not read");
	if (error == -ENOSPC || (!error && produced != image->unpacked_size))
		return fail(-EINVAL, why,
		            "kernel is damaged: it unpacks to another size than it says");
	if (error)
		return fail(error, why, "kernel is damaged: its xz data do not unpack");
	image->elf = buffer;
	image->elf_size = produced;
	return 0;
}

static void load_header(const struct kernel_image *image, struct elf_header *header)
{
	memcpy(header, image->elf, sizeof(*header));
}

/* For an index below the segment count of a checked header. */
static void load_segment(const struct kernel_image *image, const struct elf_header *header,
                         unsigned index, struct elf_segment *segment)
{
	memcpy(segment, image->elf + header->segments_offset + index * sizeof(*segment),
	       sizeof(*segment));
}

static int check_header(const struct kernel_image *image, struct elf_header *header,
                        const char **why)
{
	if (!begins_with(image->elf, image->elf_size, elf_magic, sizeof(elf_magic)))
		return fail(-EINVAL, why,
		            "kernel is damaged: what it unpacks to is not an ELF file");
	if (image->elf_size < sizeof(*header))
		return fail(-EINVAL, why, "kernel is truncated: within its ELF header");
	load_header(image, header);
	if (header->class != ELF_CLASS_64 || header->byte_order != ELF_LITTLE_ENDIAN ||
	    header->ident_version != ELF_VERSION || header->machine != ELF_MACHINE_X86_64)
		return fail(-EOPNOTSUPP, why, "kernel is not made for x86-64");
	if (header->type != ELF_EXECUTABLE)
		return fail(-EOPNOTSUPP, why, "kernel is an ELF file, but not an executable one");
	if (header->segment_count == 0 || header->segment_count > ELF_SEGMENTS_MAX ||
	    header->segment_entry_size != sizeof(struct elf_segment))
		return fail(-EINVAL, why, "kernel has no usable ELF program headers");
	if (!is_within(header->segments_offset, header->segment_count * sizeof(struct elf_segment),
	               image->elf_size))
		return fail(-EINVAL, why, "kernel is truncated: before its ELF program headers");
	return 0;
}

static int check_segment(const struct kernel_image *image, const struct elf_segment *segment,
                         const char **why)
{
	if (segment->type != ELF_SEGMENT_LOAD && segment->type != ELF_SEGMENT_NOTE)
		return 0;
	if (!is_within(segment->offset, segment->file_size, image->elf_size))
		return fail(-EINVAL, why, "kernel is truncated: a segment ends behind the file");
	if (segment->type == ELF_SEGMENT_LOAD &&
	    (segment->file_size > segment->memory_size ||
	     segment->physical_address > UINT64_MAX - segment->memory_size))
		return fail(-EINVAL, why, "kernel is damaged: a segment has an impossible size");
	return 0;
}

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/* Takes what a note of Xen's tells; those of an odd size are passed over. */
static void read_note(const struct elf_note *note, const uint8_t *name, const uint8_t *data,
                      struct kernel_layout *layout)
{
	uint64_t value;

	if (note->name_size != sizeof("Xen") || memcmp(name, "Xen", sizeof("Xen")) != 0)
		return;
	if (note->data_size == sizeof(uint64_t))
		value = load_le64(data);
	else if (note->data_size == sizeof(uint32_t))
		value = load_le32(data);
	else
		return;
	if (note->type == XEN_ELFNOTE_PHYS32_ENTRY)
		layout->entry = value;
	else if (note->type == XEN_ELFNOTE_SUPPORTED_FEATURES)
		layout->features = (uint32_t)value;
}

/* Walks the notes of one segment; stops at the first that does not fit into it. */
static void read_notes(const uint8_t *notes, uint64_t size, uint64_t align,
                       struct kernel_layout *layout)
{
	struct elf_note note;
	uint64_t at = 0;

	while (is_within(at, sizeof(note), size)) {
		uint64_t data, end;

		memcpy(&note, notes + at, sizeof(note));
		data = round_up(at + sizeof(note) + note.name_size, align);
		end = data + note.data_size;
		if (end > size)
			return;
		read_note(&note, notes + at + sizeof(note), notes + data, layout);
		at = round_up(end, align);
	}
}

static bool holds_entry(const struct elf_segment *segment, uint64_t entry)
{
	return segment->type == ELF_SEGMENT_LOAD && entry >= segment->physical_address &&
	       entry - segment->physical_address < segment->file_size;
}

static void add_extent(const struct elf_segment *segment, struct kernel_layout *layout)
{
	uint64_t end = segment->physical_address + segment->memory_size;

	if (segment->physical_address < layout->start)
		layout->start = segment->physical_address;
	if (end > layout->end)
		layout->end = end;
}

static int read_segments(const struct kernel_image *image, const struct elf_header *header,
                         struct kernel_layout *layout, const char **why)
{
	*layout = (struct kernel_layout){ .start = UINT64_MAX };
	for (unsigned i = 0; i < header->segment_count; i++) {
		struct elf_segment segment;
		int error;

		load_segment(image, header, i, &segment);
		error = check_segment(image, &segment, why);
		if (error)
			return error;
		if (segment.type == ELF_SEGMENT_LOAD && segment.memory_size > 0)
			add_extent(&segment, layout);
		if (segment.type == ELF_SEGMENT_NOTE)
			read_notes(image->elf + segment.offset, segment.file_size,
			           segment.align == 8 ? 8 : 4, layout);
	}
	return 0;
}

static int check_entry(const struct kernel_image *image, const struct elf_header *header,
                       const struct kernel_layout *layout, const char **why)
{
	bool is_held = false;

	for (unsigned i = 0; i < header->segment_count; i++) {
		struct elf_segment segment;

		load_segment(image, header, i, &segment);
		is_held = is_held || holds_entry(&segment, layout->entry);
	}
	if (!is_held || layout->entry > UINT32_MAX)
		return fail(-EINVAL, why, "kernel is damaged: its PVH entry lies outside of it");
	return 0;
}

int kernel_image_layout(const struct kernel_image *image, struct kernel_layout *layout,
                        const char **why)
{
	struct elf_header header;
	int error = check_header(image, &header, why);

	if (!error)
		error = read_segments(image, &header, layout, why);
	if (error)
		return error;
	if (layout->end == 0)
		return fail(-EINVAL, why, "kernel has nothing to load");
	if (layout->entry == 0)
		return fail(-EOPNOTSUPP, why, "kernel has no PVH entry note");
	return check_entry(image, &header, layout, why);
}

bool kernel_image_segment(const struct kernel_image *image, unsigned index,
                          struct kernel_segment *segment)
{
	struct elf_header header;

	load_header(image, &header);
	for (unsigned i = 0; i < header.segment_count; i++) {
		struct elf_segment found;

		load_segment(image, &header, i, &found);
		if (found.type != ELF_SEGMENT_LOAD || found.memory_size == 0 || index-- > 0)
			continue;
		*segment = (struct kernel_segment){
			.address = found.physical_address,
			.data = image->elf + found.offset,
			.file_size = found.file_size,
			.memory_size = found.memory_size,
		};
		return true;
	}
	return false;
}
