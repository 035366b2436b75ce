# Kernels for tests of the loader: unpacked, truncated, without the note that a PVH loader needs.
# SPDX-License-Identifier: Apache-2.0

import lzma
import struct

# Offsets in a bzImage's setup header (Linux boot protocol 2.08 and later).
SETUP_SECTORS = 0x1f1
PAYLOAD_OFFSET = 0x248

PT_NOTE = 4
NOTE_PVH_ENTRY = 18  # XEN_ELFNOTE_PHYS32_ENTRY
NOTE_NOBODY_KNOWS = 0x7777


def unpacked(kernel):
    """The ELF inside an xz-packed bzImage."""
    image = kernel.read_bytes()
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = (image[SETUP_SECTORS] + 1) * 512 + offset
    # The payload ends with its unpacked size, which is not part of the stream.
    return lzma.LZMADecompressor().decompress(image[start:start + length])


def notes(elf):
    """(offset of the header, name, type) of every note in the PT_NOTE segments."""
    (table,) = struct.unpack_from("<Q", elf, 32)
    entry_size, entries = struct.unpack_from("<HH", elf, 54)
    for number in range(entries):
        kind, _flags, offset, _va, _pa, size = struct.unpack_from("<IIQQQQ", elf,
                                                                  table + number * entry_size)
        end = offset + size
        while kind == PT_NOTE and offset + 12 <= end:
            name_size, desc_size, note = struct.unpack_from("<III", elf, offset)
            yield offset, elf[offset + 12:offset + 12 + name_size].rstrip(b"\0"), note
            offset += 12 + (name_size + 3 & ~3) + (desc_size + 3 & ~3)


def elf_kernel(lab):
    path = lab.folder / "vmlinux"
    path.write_bytes(unpacked(lab.image.kernel))
    return path


def without_pvh_note(lab):
    elf = bytearray(unpacked(lab.image.kernel))
    found = [offset for offset, name, note in notes(elf)
             if name == b"Xen" and note == NOTE_PVH_ENTRY]
    assert found, "Debian's kernel has no PVH note to remove"
    for offset in found:
        struct.pack_into("<I", elf, offset + 8, NOTE_NOBODY_KNOWS)
    path = lab.folder / "vmlinux-no-note"
    path.write_bytes(elf)
    return path


def truncated(lab):
    image = lab.image.kernel.read_bytes()
    path = lab.folder / "vmlinuz-truncated"
    path.write_bytes(image[:len(image) * 6 // 10])
    return path
