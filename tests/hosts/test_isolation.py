# Isolation: dom0 reaches nothing that is not its own, and when it breaks, that is told.
# SPDX-License-Identifier: Apache-2.0
#
#      0          2 MiB                dom0_mem                    the machine's end
#      | dom0 ... | xen-core | dom0 ... | free, and the hypervisor's | firmware |

import re
import struct
import time

from rig import TimedOut, machine, programs, test

MIB = 1 << 20
DOM0 = 64 * MIB  # enough for a kernel of a page
MACHINE = 192 * MIB
TOP = 2 * MIB  # at the machine's end lies firmware's memory, which dom0 may read

MARK_STEP = 1024  # as programs/mark.h has it
LOAD, WRITABLE = 1, 2


def mark_of(address):
    return struct.pack("<I", (address & 0xffffffff) ^ 0x72656d75)


def segments(lab):
    """(address, size in memory, content, flags) of each part of the hypervisor's image."""
    elf = machine.Settings().hypervisor_file(lab.image).read_bytes()
    (table,) = struct.unpack_from("<I", elf, 28)
    entry_size, entries = struct.unpack_from("<HH", elf, 42)
    for number in range(entries):
        kind, offset, _va, address, file_size, size, flags, _align = struct.unpack_from(
            "<8I", elf, table + number * entry_size)
        if kind == LOAD:
            yield address, size, elf[offset:offset + file_size], flags


def image_range(lab):
    parts = list(segments(lab))
    return (min(address for address, *_ in parts),
            max(address + size for address, size, *_ in parts) + 4095 & ~4095)


def assert_untouched(host, *ranges):
    """The hypervisor's constant parts are as they were built, and no mark is in the ranges."""
    for address, _size, content, flags in segments(host.lab):
        if not flags & WRITABLE:
            assert host.memory(address, len(content)) == content, f"{address:#x}: changed"
    for start, end in ranges:
        memory = host.memory(start, end - start)
        found = [hex(start + at) for at in range(0, end - start, MARK_STEP)
                 if memory[at:at + 4] == mark_of(start + at)]
        assert not found, f"written to: {' '.join(found[:8])} ..."


@test
def boot_isolation_memory(lab):
    """dom0's root, with /dev/mem and no checks in its own kernel, finds nothing and changes nothing."""
    host = lab.boot(kernel_options="iomem=relaxed")
    host.push(programs.program(lab, "trespass"), "/root/trespass", 0o755)
    beyond = (host.settings.dom0_memory + 16) * MIB
    ranges = [image_range(lab), (beyond, beyond + 8 * MIB)]
    for start, end in ranges:
        pages = (end - start) // 4096
        found = host.out(f"/root/trespass memory {start:#x} {end:#x}", timeout=120)
        assert found == f"mapped {pages} readable 0 faults {2 * pages}", found
    assert_untouched(host, *ranges)
    assert host.out("echo still here") == "still here"


@test
def boot_isolation_hypercalls(lab):
    """No hypercall gives dom0 a frame of the hypervisor's or a free one."""
    host = lab.boot(toolstack=True)
    host.push(programs.program(lab, "trespass"), "/root/trespass", 0o755)
    beyond = (host.settings.dom0_memory + 16) * MIB
    for address in (image_range(lab)[0], beyond):
        out = host.out(f"/root/trespass hypercalls {address // 4096:#x}")
        assert re.search(r"^tries \d\d+ let in 0$", out, re.MULTILINE), out
    assert_untouched(host, (beyond, beyond + 4096))
    assert "Domain-0" in host.out("xl list")


def intrude(lab, deed, name="a"):
    host = lab.host(name, memory=MACHINE // MIB, dom0_memory=DOM0 // MIB, cpus=1,
                    kernel=programs.kernel(lab, "intruder"), kernel_options="do=" + deed)
    return host.start()


def report(host, timeout=120):
    """(accesses, those that found something) once the intruder has done what it was told."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        host.check_alive()
        read, readable, done = struct.unpack("<3I", host.memory(programs.REPORT_PLACE, 12))
        if done == 1 and read:
            return read, readable
        time.sleep(0.5)
    raise TimedOut(f"{host.name}: the intruder has not ended within {timeout} s")


@test
def boot_isolation_kernel(lab):
    """A dom0 kernel, which need not ask anyone, finds and changes nothing in all of the memory."""
    start, end = image_range(lab)
    for name, first, last in (("a", start, end), ("b", DOM0 + 16 * MIB, MACHINE - TOP)):
        host = intrude(lab, f"touch:{first:x}:{last:x}", name)
        assert report(host) == ((last - first) // MARK_STEP, 0)
        assert_untouched(host, (first, last))
        host.kill()


def ends_in_a_report(lab, deed):
    """dom0 ends, the hypervisor says why and where, and restarts the machine."""
    host = intrude(lab, deed)
    host.console.expect(r"domain 0 vcpu 0: triple fault", failing=True)
    host.console.expect(r" rip [0-9a-f]{16} rsp [0-9a-f]{16} ", failing=True)
    host.console.expect(r" cr0 .* cr3 ", failing=True)
    host.console.expect(r"exit \d+: reason 0x[0-9a-f]+ at [0-9a-f]{16} on CPU 0", failing=True)
    host.console.expect(r"^FATAL: dom0 has crashed$", failing=True)
    assert host.wait_exit() == "guest-reset"


@test(name="boot_isolation_execute", deed="execute:{:x}")
@test(name="boot_isolation_walk", deed="walk:{:x}")
def boot_isolation_jump(lab, deed):
    """Code and page tables of the hypervisor's are none to dom0's kernel: it faults."""
    ends_in_a_report(lab, deed.format(image_range(lab)[0]))


@test
def boot_dom0_triple_fault(lab):
    ends_in_a_report(lab, "crash")


def panic(host):
    host.run("(sleep 0.5; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")
    host.console.expect(r"Kernel panic - not syncing: sysrq triggered crash", failing=True)
    host.console.expect(r" sysrq_handle_crash\+", failing=True)
    host.console.expect(r"^FATAL: dom0 has crashed$", failing=True)


@test
def boot_dom0_panic(lab):
    """A fault in dom0's kernel: its own report, then the hypervisor's, then the machine restarts."""
    host = lab.boot()
    panic(host)
    assert host.wait_exit() == "guest-reset"


@test
def boot_dom0_panic_noreboot(lab):
    """With noreboot the machine stays as it is, for whoever wants to look."""
    host = lab.boot(xen_options="noreboot")
    panic(host)
    host.console.expect(r"\bhalted$", failing=True)
    time.sleep(2)
    host.qmp("query-status")
