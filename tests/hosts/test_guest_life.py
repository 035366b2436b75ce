# Guests live and end as xl says: every command of Debian's xl is checked by what it does.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a ---- console ---- tiny guests without disk or network

import concurrent.futures
import json
import pathlib
import re
import time

from rig import dom0, test

RACE = pathlib.Path(__file__).resolve().parents[2] / "build/guests/race.elf"
FRAMES_PER_MIB = 256
CONSTRUCTION_MIB = 32  # page tables, console ring and the like that a guest costs beside its memory
SPIN = "while :; do :; done & echo $! >>/tmp/spinning"


def spin(guest, count):
    guest.run("; ".join(f"{{ {SPIN}; }}" for _ in range(count)))


def stop_spinning(guest):
    guest.run("kill $(cat /tmp/spinning); rm /tmp/spinning")


def check_list(host, guest, vcpus, memory, free_before):
    row = guest.row()
    assert (row.memory, row.vcpus) == (memory, vcpus), row
    assert set(row.state) <= set("rb-"), row
    (config,) = json.loads(host.out("xl list -l web"))
    assert config["domid"] == row.domid and config["config"]["c_info"]["name"] == "web", config
    assert host.out(f"xl domname {row.domid}") == "web"
    taken = free_before - dom0.domains(host).free
    assert 0 <= taken - memory * FRAMES_PER_MIB < CONSTRUCTION_MIB * FRAMES_PER_MIB, taken
    info = dict(re.findall(r"^(\w+)\s*: (.*)$", host.out("xl info"), re.MULTILINE))
    assert abs(int(info["free_memory"]) - dom0.domains(host).free // FRAMES_PER_MIB) <= 2, info
    assert guest.out("nproc") == str(vcpus)
    seen = int(re.search(r"MemTotal: +(\d+)", guest.out("cat /proc/meminfo"))[1]) // 1024
    assert memory * 0.6 < seen <= memory, f"the guest sees {seen} MiB"


def check_console(host):
    """What is typed into `xl console` reaches the guest, what it prints comes back; ^] ends it."""
    typed = r"sleep 1; echo 'echo answer=$((6 * 7))'; sleep 3; printf '\035'; sleep 1"
    out = host.out(f"({typed}) | script -qec 'xl console web' /dev/null")
    assert "answer=42" in out, out


def check_pause(host, guest):
    spin(guest, 1)
    guest.xl("pause")
    assert "p" in guest.row().state
    before = dom0.domains(host).cpu[guest.domid]
    time.sleep(2)
    assert dom0.domains(host).cpu[guest.domid] == before, "a paused guest has run"
    guest.xl("unpause")
    assert "p" not in guest.row().state
    time.sleep(1)
    assert dom0.domains(host).cpu[guest.domid] > before, "an unpaused guest does not run"
    stop_spinning(guest)


def vcpu_rows(guest):
    """By vCPU: the CPU it is on, its state, its hard affinity."""
    lines = [line.split() for line in guest.xl("vcpu-list").out.splitlines()[1:]]
    return {int(words[2]): (words[3], words[4], words[6]) for words in lines}


def check_vcpus(guest, vcpus):
    rows = vcpu_rows(guest)
    assert sorted(rows) == list(range(vcpus)), rows
    assert {row[2] for row in rows.values()} == {"all"}, rows
    spin(guest, vcpus)
    for shift in (0, 1):
        wanted = {vcpu: str((vcpu + shift) % 2) for vcpu in range(vcpus)}
        for vcpu, cpu in wanted.items():
            guest.xl("vcpu-pin", f"{vcpu} {cpu}")
        time.sleep(2)
        rows = vcpu_rows(guest)
        assert {vcpu: (row[0], row[2]) for vcpu, row in rows.items()} == \
            {vcpu: (cpu, cpu) for vcpu, cpu in wanted.items()}, rows
    guest.xl("vcpu-pin", "all all")
    stop_spinning(guest)


def check_mem_set(host, guest, memory):
    kib = int(guest.out("awk '/MemTotal/ {print $2}' /proc/meminfo"))
    for target in (memory - 48, memory):
        guest.xl("mem-set", str(target))
        guest.wait_until(lambda row: abs(row.memory - target) <= 1, 60,
                         f"does not come to {target} MiB")
        frames = dom0.domains(host).frames[guest.domid]
        assert abs(frames - target * FRAMES_PER_MIB) <= 2 * FRAMES_PER_MIB, frames
        now = int(guest.out("awk '/MemTotal/ {print $2}' /proc/meminfo"))
        assert abs(kib - now - (memory - target) * 1024) < 2048, f"{kib} KiB became {now} KiB"


def check_reports(host, guest, vcpus, asked, made):
    """xl uptime, xentop, xenstore-ls, xl dmesg. The guest was asked for and made at those times."""
    hours, minutes, rest = re.search(r"(\d+):(\d+):(\d+)", guest.xl("uptime").out).groups()
    uptime = int(hours) * 3600 + int(minutes) * 60 + int(rest)
    now = time.monotonic()
    assert now - made - 3 <= uptime <= now - asked + 3, f"{uptime} s, not {now - made:.0f} s"

    spin(guest, 1)
    tables = host.out("xentop --batch --iterations 2 --delay 2 --full-name").split("NAME")
    columns = re.search(r"^\s*web (.*)$", tables[-1], re.MULTILINE)[1].split()
    stop_spinning(guest)
    assert float(columns[2]) > 20, f"a busy guest in xentop: {columns}"
    assert vcpus == int(columns[7]), columns

    tree = host.out(f"xenstore-ls /local/domain/{guest.domid}")
    assert 'name = "web"' in tree and "tty = " in tree, tree
    assert tree.count('availability = "online"') == vcpus, tree

    assert host.out("xl dmesg")
    host.run("xl dmesg --clear")
    assert not host.out("xl dmesg"), "cleared, but still there"
    host.run("xl debug-keys m")
    said = host.out("xl dmesg")
    assert "memory" in said.lower(), said
    for line in said.splitlines():  # it is what the serial console shows
        host.console.expect(re.escape(line.strip()))


def check_reboot(guest):
    first = guest.domid
    guest.xl("reboot")
    guest.wait_boot()
    assert guest.domid > first
    assert float(guest.out("cut -d ' ' -f 1 /proc/uptime")) < 240


@test(name="guest_xl_1cpu", vcpus=1, timeout=1200)
@test(name="guest_xl_2cpu", vcpus=2, timeout=1200, soak=True)
@test(name="guest_xl_4cpu", vcpus=4, timeout=1200, soak=True)
@test(name="guest_xl_8cpu", vcpus=8, timeout=1800, soak=True)
def guest_xl(lab, vcpus, memory=192):
    host = lab.boot(guests=True, memory=1792)
    free, before = dom0.domains(host).free, dom0.traces(host)
    guest = host.guest("web", vcpus=vcpus, memory=memory)
    asked = time.monotonic()
    guest.create()
    made = time.monotonic()
    guest.wait_boot()
    lab.note(f"xl create takes {made - asked:.1f} s, "
             f"the guest answers {time.monotonic() - made:.1f} s later")

    check_list(host, guest, vcpus, memory, free)
    check_console(host)
    check_pause(host, guest)
    check_vcpus(guest, vcpus)
    check_mem_set(host, guest, memory)
    check_reports(host, guest, vcpus, asked, made)
    check_reboot(guest)
    guest.shutdown()
    dom0.wait_traces(host, before)

    guest.create(flags="-p")
    assert guest.row().state == "--p---", guest.row()
    guest.destroy()
    assert guest.row() is None
    dom0.wait_traces(host, before)


@test(timeout=1200, soak=True)
def guest_kernel_packed(lab):
    """The kernel as Debian ships it, packed; the other tests save the seconds of unpacking."""
    host = lab.boot(guests=True)
    host.guest("web", kernel=f"{dom0.GUEST_FILES}/vmlinuz").boot().run("true")


@test(timeout=3000, soak=True)
def guest_eight(lab):
    """Eight guests are created at the same moment, live beside each other, end together."""
    host = lab.boot(guests=True, memory=2560)
    before = dom0.traces(host)
    guests = [host.guest(f"web{number}", memory=112) for number in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(guests)) as pool:
        list(pool.map(lambda guest: guest.create(timeout=1200), guests))
        for guest in guests:
            guest.wait_boot(800)
        names = list(pool.map(lambda guest: guest.out("hostname"), guests))
        assert names == [guest.name for guest in guests], names
        assert len({guest.domid for guest in guests}) == len(guests)
        list(pool.map(lambda guest: guest.destroy(), guests))
    dom0.wait_traces(host, before)


@test(name="guest_cycles", cycles=5, timeout=1200)
@test(name="guest_cycles_100", cycles=100, timeout=7200, soak=True)
def guest_cycles(lab, cycles):
    """Guests that are destroyed, each at another moment of its life, leave every frame free. Four of
    five are of the kind that uses grants, ports and memory from two CPUs at once (tests/guests)."""
    host = lab.boot(guests=True)
    host.push(RACE, "/root/race.elf")
    linux = host.guest("web", vcpus=2)
    race = host.guest("race", vcpus=2, memory=32, kernel="/root/race.elf", ramdisk=None)
    for guest in (linux, race):
        guest.create(flags="-p")
        guest.destroy()
    before, free = dom0.traces(host), dom0.domains(host).free
    for cycle in range(cycles):
        guest = race if cycle % 5 else linux
        guest.create()
        time.sleep(cycle % 7 * 0.5)
        guest.destroy()
    dom0.wait_traces(host, before)
    lab.note(f"{free - dom0.domains(host).free} frames fewer are free after {cycles} cycles")
    assert dom0.frames_lost(host, free) == 0


@test(timeout=3600, soak=True)
def guest_large(lab):
    """A guest whose memory reaches beyond 4 GB uses all of it."""
    host = lab.boot(guests=True, memory=8192)
    guest = host.guest("web", memory=5632).boot()
    count = 4500
    guest.run("mount -o remount,size=4700M /tmp && head -c 1048576 /bin/busybox >/tmp/piece && "
              f"for i in $(seq {count}); do cat /tmp/piece; done >/tmp/big", timeout=1200)
    piece = guest.out("sha256sum </tmp/piece")
    sums = guest.out(f"for i in $(seq 0 {count - 1}); do dd if=/tmp/big bs=1M skip=$i count=1 "
                     "2>/dev/null | sha256sum; done | sort | uniq -c", timeout=2400)
    assert sums.split(None, 1) == [str(count), piece], sums
