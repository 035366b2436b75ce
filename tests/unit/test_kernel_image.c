/* The kernel reader: a small ELF kernel, plain and as a bzImage, then bent in every way there is. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/boot/kernel_image.c xen-core/lib/xz.c xen-core/lib/lzma.c xen-core/lib/lzma2.c xen-core/lib/bcj_x86.c xen-core/lib/crc.c tests/unit/xz_program.c */

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/kernel_image.h"
#include "xz_program.h"

enum {
	TEXT_ADDRESS = 0x1000000,
	DATA_ADDRESS = 0x1400000,
	ENTRY = TEXT_ADDRESS + 0x40,
	TEXT_SIZE = 3000,
	DATA_SIZE = 1000,
	DATA_MEMORY = 9000,
	NOTE_ENTRY = 18,
	NOTE_FEATURES = 17,
	FEATURES = 0x801,
	RELOCATIONS_SIZE = 96, /* behind the ELF, as Linux has them */
	SETUP_SECTORS = 3,
	PAYLOAD_OFFSET = 0x30,
};

enum segment { TEXT, NOTES, DATA, SEGMENTS };

struct note {
	Elf64_Nhdr header;
	char name[4];
	uint64_t data;
};

/* What the tests' kernel is made of; a test changes a part and then writes the file. */
struct kernel {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS];
	struct note notes[3];
	uint8_t text[TEXT_SIZE];
	uint8_t data[DATA_SIZE];
	uint8_t relocations[RELOCATIONS_SIZE];
};

static struct note make_note(const char *name, uint32_t type, uint64_t data)
{
	struct note note = { .header = { 4, sizeof(data), type }, .data = data };

	memcpy(note.name, name, sizeof(note.name));
	return note;
}

static struct kernel make_kernel(void)
{
	struct kernel kernel = {
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct kernel, segments),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = SEGMENTS,
		},
		.segments = {
			[TEXT] = { .p_type = PT_LOAD,
				   .p_offset = offsetof(struct kernel, text),
				   .p_vaddr = 0xffffffff81000000,
				   .p_paddr = TEXT_ADDRESS,
				   .p_filesz = TEXT_SIZE,
				   .p_memsz = TEXT_SIZE },
			[NOTES] = { .p_type = PT_NOTE,
				    .p_offset = offsetof(struct kernel, notes),
				    .p_filesz = 3 * sizeof(struct note),
				    .p_align = 4 },
			[DATA] = { .p_type = PT_LOAD,
				   .p_offset = offsetof(struct kernel, data),
				   .p_paddr = DATA_ADDRESS,
				   .p_filesz = DATA_SIZE,
				   .p_memsz = DATA_MEMORY },
		},
		.notes = {
			make_note("GNU", NOTE_ENTRY, 1),
			make_note("Xen", NOTE_FEATURES, FEATURES),
			make_note("Xen", NOTE_ENTRY, ENTRY),
		},
	};
	struct bytes code = make_calls(TEXT_SIZE, 1);

	memcpy(kernel.text, code.data, TEXT_SIZE);
	bytes_free(&code);
	memset(kernel.data, 0xda, DATA_SIZE);
	return kernel;
}

static struct bytes write_elf(const struct kernel *kernel)
{
	struct bytes file = bytes_new(sizeof(*kernel));

	memcpy(file.data, kernel, sizeof(*kernel));
	return file;
}

static void put32(struct bytes *file, size_t at, size_t value)
{
	uint32_t word = (uint32_t)value;

	memcpy(file->data + at, &word, sizeof(word));
}

/* A bzImage around a payload that is already packed; its last bytes will tell `plain_size`. */
static struct bytes wrap(const struct bytes *packed, size_t plain_size)
{
	size_t code = (SETUP_SECTORS + 1) * 512;
	size_t code_size = (PAYLOAD_OFFSET + packed->size + 4 + 15) / 16 * 16;
	struct bytes file = bytes_new(code + code_size);

	memset(file.data, 0, file.size);
	file.data[0x1f1] = SETUP_SECTORS;
	put32(&file, 0x1f4, code_size / 16);
	put32(&file, 0x1fe, 0xaa55);
	memcpy(file.data + 0x202, "HdrS", 4);
	put32(&file, 0x206, 0x20f);
	put32(&file, 0x248, PAYLOAD_OFFSET);
	put32(&file, 0x24c, packed->size + 4);
	memcpy(file.data + code + PAYLOAD_OFFSET, packed->data, packed->size);
	put32(&file, code + PAYLOAD_OFFSET + packed->size, plain_size);
	return file;
}

static struct bytes write_bzimage(const struct kernel *kernel)
{
	struct bytes elf = write_elf(kernel);
	struct bytes packed = xz_pack("--check=crc32 --x86 --lzma2=dict=32MiB", &elf);
	struct bytes file = wrap(&packed, elf.size);

	bytes_free(&elf);
	bytes_free(&packed);
	return file;
}

/* All that the dom0 builder does; *buffer is to be freed. */
static int read_kernel(const struct bytes *file, struct kernel_image *image,
                       struct kernel_layout *layout, struct bytes *buffer, const char **why)
{
	int error = kernel_image_open(image, file->data, file->size, why);

	*buffer = bytes_new(error ? 0 : image->unpacked_size);
	if (!error)
		error = kernel_image_unpack(image, buffer->data, buffer->size, why);
	if (!error)
		error = kernel_image_layout(image, layout, why);
	return error;
}

static void check_refused(struct bytes file, int expected_error, const char *expected_why)
{
	struct kernel_image image;
	struct kernel_layout layout;
	struct bytes buffer;
	const char *why = "nothing was said";
	int error = read_kernel(&file, &image, &layout, &buffer, &why);

	assert_string_equal(why, expected_why);
	assert_int_equal(error, expected_error);
	bytes_free(&buffer);
	bytes_free(&file);
}

static void check_segments(const struct kernel_image *image)
{
	struct kernel kernel = make_kernel();
	struct kernel_segment segment;

	assert_true(kernel_image_segment(image, 0, &segment));
	assert_int_equal(segment.address, TEXT_ADDRESS);
	assert_int_equal(segment.file_size, TEXT_SIZE);
	assert_int_equal(segment.memory_size, TEXT_SIZE);
	assert_memory_equal(segment.data, kernel.text, TEXT_SIZE);
	assert_true(kernel_image_segment(image, 1, &segment));
	assert_int_equal(segment.address, DATA_ADDRESS);
	assert_int_equal(segment.file_size, DATA_SIZE);
	assert_int_equal(segment.memory_size, DATA_MEMORY);
	assert_memory_equal(segment.data, kernel.data, DATA_SIZE);
	assert_false(kernel_image_segment(image, 2, &segment));
}

static void check_read(struct bytes file)
{
	struct kernel_image image;
	struct kernel_layout layout;
	struct bytes buffer;
	const char *why = NULL;

	assert_int_equal(read_kernel(&file, &image, &layout, &buffer, &why), 0);
	assert_null(why);
	assert_int_equal(layout.start, TEXT_ADDRESS);
	assert_int_equal(layout.end, DATA_ADDRESS + DATA_MEMORY);
	assert_int_equal(layout.entry, ENTRY);
	assert_int_equal(layout.features, FEATURES);
	check_segments(&image);
	bytes_free(&buffer);
	bytes_free(&file);
}

static void reads_elf_and_bzimage(void **state)
{
	struct kernel kernel = make_kernel();

	check_read(write_elf(&kernel));
	check_read(write_bzimage(&kernel));
}

static void reads_notes_of_other_shapes(void **state)
{
	struct kernel kernel = make_kernel();

	kernel.notes[2].header.n_descsz = 4; /* what is left over is too short for a note */
	check_read(write_elf(&kernel));
	kernel = make_kernel();
	kernel.segments[NOTES].p_align = 8;
	check_read(write_elf(&kernel));
	kernel = make_kernel();
	kernel.notes[0].header.n_namesz = 3; /* padded all the same */
	check_read(write_elf(&kernel));
}

static void passes_over_empty_segments(void **state)
{
	struct kernel kernel = make_kernel();
	struct kernel_image image;
	struct kernel_layout layout;
	struct kernel_segment segment;
	struct bytes file, buffer;
	const char *why;

	kernel.segments[DATA].p_filesz = 0;
	kernel.segments[DATA].p_memsz = 0;
	kernel.segments[DATA].p_paddr = 0;
	file = write_elf(&kernel);
	assert_int_equal(read_kernel(&file, &image, &layout, &buffer, &why), 0);
	assert_int_equal(layout.start, TEXT_ADDRESS);
	assert_int_equal(layout.end, TEXT_ADDRESS + TEXT_SIZE);
	assert_false(kernel_image_segment(&image, 1, &segment));
	bytes_free(&file);
	bytes_free(&buffer);
}

static void refuses_kernels_without_entry(void **state)
{
	static const char *const none = "kernel has no PVH entry note";
	static const char *const outside = "kernel is damaged: its PVH entry lies outside of it";
	struct kernel kernel = make_kernel();

	kernel.notes[2].header.n_type = 1;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, none);
	check_refused(write_bzimage(&kernel), -EOPNOTSUPP, none);
	kernel = make_kernel();
	kernel.segments[NOTES].p_type = PT_NULL;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, none);
	kernel = make_kernel();
	kernel.segments[NOTES].p_filesz -= 1;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, none);
	kernel = make_kernel();
	kernel.notes[1].header.n_descsz = UINT32_MAX;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, none);
	kernel = make_kernel();
	kernel.notes[0].header.n_namesz = UINT32_MAX;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, none);
	kernel = make_kernel();
	kernel.notes[2].data = TEXT_ADDRESS + TEXT_SIZE;
	check_refused(write_elf(&kernel), -EINVAL, outside);
	kernel = make_kernel();
	kernel.segments[TEXT].p_paddr += 0x100000000;
	kernel.notes[2].data += 0x100000000;
	check_refused(write_elf(&kernel), -EINVAL, outside);
}

static void refuses_bent_headers(void **state)
{
	static const char *const foreign = "kernel is not made for x86-64";
	static const char *const unusable = "kernel has no usable ELF program headers";
	struct kernel kernel = make_kernel();

	kernel.header.e_ident[EI_CLASS] = ELFCLASS32;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, foreign);
	kernel = make_kernel();
	kernel.header.e_ident[EI_DATA] = ELFDATA2MSB;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, foreign);
	kernel = make_kernel();
	kernel.header.e_machine = EM_AARCH64;
	check_refused(write_elf(&kernel), -EOPNOTSUPP, foreign);
	kernel = make_kernel();
	kernel.header.e_type = ET_REL;
	check_refused(write_elf(&kernel), -EOPNOTSUPP,
	              "kernel is an ELF file, but not an executable one");
	kernel = make_kernel();
	kernel.header.e_phnum = 0;
	check_refused(write_elf(&kernel), -EINVAL, unusable);
	kernel.header.e_phnum = 65;
	check_refused(write_elf(&kernel), -EINVAL, unusable);
	kernel = make_kernel();
	kernel.header.e_phentsize = 32;
	check_refused(write_elf(&kernel), -EINVAL, unusable);
	kernel = make_kernel();
	kernel.header.e_phoff = UINT64_MAX - 100;
	check_refused(write_elf(&kernel), -EINVAL,
	              "kernel is truncated: before its ELF program headers");
}

static void refuses_bent_segments(void **state)
{
	static const char *const beyond = "kernel is truncated: a segment ends behind the file";
	static const char *const impossible = "kernel is damaged: a segment has an impossible size";
	struct kernel kernel = make_kernel();

	kernel.segments[DATA].p_filesz = sizeof(kernel);
	kernel.segments[DATA].p_memsz = sizeof(kernel);
	check_refused(write_elf(&kernel), -EINVAL, beyond);
	kernel = make_kernel();
	kernel.segments[DATA].p_offset = UINT64_MAX - 10;
	check_refused(write_elf(&kernel), -EINVAL, beyond);
	kernel = make_kernel();
	kernel.segments[NOTES].p_offset = sizeof(kernel) + 1;
	check_refused(write_elf(&kernel), -EINVAL, beyond);
	kernel = make_kernel();
	kernel.segments[DATA].p_memsz = DATA_SIZE - 1;
	check_refused(write_elf(&kernel), -EINVAL, impossible);
	kernel = make_kernel();
	kernel.segments[DATA].p_paddr = UINT64_MAX - DATA_SIZE;
	check_refused(write_elf(&kernel), -EINVAL, impossible);
	kernel = make_kernel();
	kernel.segments[TEXT].p_type = PT_NULL;
	kernel.segments[DATA].p_type = PT_NULL;
	check_refused(write_elf(&kernel), -EINVAL, "kernel has nothing to load");
}

static void names_other_packings(void **state)
{
	static const struct {
		const char *magic, *why;
	} packings[] = {
		{ "\x1f\x8b\x08", "kernel is compressed with gzip: only xz is read" },
		{ "BZh9", "kernel is compressed with bzip2: only xz is read" },
		{ "]\0\0\0", "kernel is compressed with lzma: only xz is read" },
		{ "\x89LZO", "kernel is compressed with lzo: only xz is read" },
		{ "\x02\x21\x4c\x18", "kernel is compressed with lz4: only xz is read" },
		{ "\x28\xb5\x2f\xfd", "kernel is compressed with zstd: only xz is read" },
		{ "what", "kernel is compressed in an unknown way: only xz is read" },
	};

	for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
		struct bytes packed = make_random(100, 1);

		memcpy(packed.data, packings[i].magic, 4);
		check_refused(wrap(&packed, 1000), -EOPNOTSUPP, packings[i].why);
		bytes_free(&packed);
	}
}

static void refuses_bent_bzimages(void **state)
{
	static const char *const contradiction = "kernel is damaged: its header contradicts itself";
	static const char *const other_size =
		"kernel is damaged: it unpacks to another size than it says";
	struct kernel kernel = make_kernel();
	struct bytes file = write_bzimage(&kernel);

	put32(&file, 0x206, 0x207);
	check_refused(file, -EOPNOTSUPP, "kernel is too old: its boot protocol is before 2.08");
	file = write_bzimage(&kernel);
	put32(&file, 0x248, UINT32_MAX);
	check_refused(file, -EINVAL, contradiction);
	file = write_bzimage(&kernel);
	put32(&file, 0x24c, 4);
	check_refused(file, -EINVAL, contradiction);
	file = write_bzimage(&kernel);
	put32(&file, 0x1f4, 0);
	check_refused(file, -EINVAL, contradiction);
	file = write_bzimage(&kernel);
	put32(&file, 0x1f4, UINT32_MAX);
	check_refused(file, -EINVAL, "kernel is truncated: its header tells of a longer file");
	file = write_bzimage(&kernel);
	file.data[(SETUP_SECTORS + 1) * 512 + PAYLOAD_OFFSET + 200] ^= 1;
	check_refused(file, -EINVAL, "kernel is damaged: its xz data do not unpack");
	for (int change = -1; change <= 1; change += 2) {
		struct bytes elf = write_elf(&kernel);
		struct bytes packed = xz_pack("--check=crc32", &elf);

		check_refused(wrap(&packed, elf.size + (size_t)change), -EINVAL, other_size);
		bytes_free(&elf);
		bytes_free(&packed);
	}
}

static void refuses_other_payloads(void **state)
{
	struct bytes plain = make_text(1000, 1);
	struct bytes packed = xz_pack("--check=crc32", &plain);

	check_refused(wrap(&packed, plain.size), -EINVAL,
	              "kernel is damaged: what it unpacks to is not an ELF file");
	check_refused(wrap(&packed, 0), -EINVAL,
	              "kernel is damaged: it says that it unpacks to nothing");
	bytes_free(&packed);
	packed = xz_pack("--check=sha256", &plain);
	check_refused(wrap(&packed, plain.size), -EOPNOTSUPP,
	              "kernel is compressed with features of xz that are not read");
	bytes_free(&packed);
	check_refused(plain, -EINVAL, "kernel is neither a bzImage nor an ELF file");
}

static void says_when_there_is_no_room(void **state)
{
	struct kernel kernel = make_kernel();
	struct bytes file = write_bzimage(&kernel);
	struct bytes buffer = bytes_new(sizeof(kernel) - 1);
	struct kernel_image image;
	const char *why = NULL;

	assert_int_equal(kernel_image_open(&image, file.data, file.size, &why), 0);
	assert_int_equal(kernel_image_unpack(&image, buffer.data, buffer.size, &why), -ENOSPC);
	assert_string_equal(why, "kernel needs more memory to unpack than there is");
	bytes_free(&file);
	bytes_free(&buffer);
}

/* Of whatever is cut off, something is missed, but the padding and what follows the ELF. */
static void check_all_truncations(struct bytes file, size_t not_missed)
{
	for (size_t size = 0; size < file.size - not_missed; size++) {
		struct bytes cut = bytes_new(size);
		struct kernel_image image;
		struct kernel_layout layout;
		struct bytes buffer;
		const char *why = NULL;

		memcpy(cut.data, file.data, size);
		assert_int_equal(read_kernel(&cut, &image, &layout, &buffer, &why), -EINVAL);
		assert_non_null(why);
		bytes_free(&cut);
		bytes_free(&buffer);
	}
	bytes_free(&file);
}

static void refuses_truncated_files(void **state)
{
	struct kernel kernel = make_kernel();

	check_all_truncations(write_elf(&kernel), RELOCATIONS_SIZE);
	check_all_truncations(write_bzimage(&kernel), 15);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_elf_and_bzimage),
		cmocka_unit_test(reads_notes_of_other_shapes),
		cmocka_unit_test(passes_over_empty_segments),
		cmocka_unit_test(refuses_kernels_without_entry),
		cmocka_unit_test(refuses_bent_headers),
		cmocka_unit_test(refuses_bent_segments),
		cmocka_unit_test(names_other_packings),
		cmocka_unit_test(refuses_bent_bzimages),
		cmocka_unit_test(refuses_other_payloads),
		cmocka_unit_test(says_when_there_is_no_room),
		cmocka_unit_test(refuses_truncated_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
