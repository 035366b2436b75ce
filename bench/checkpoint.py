# What capturing a running guest epoch after epoch costs it, and `xl remus` of Debian's Xen beside it.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0: checkpoint_epochs (cuts, fetches, drops) or xl remus to /dev/null
#     guest: load/turns       (writes so many pages a turn, or computes)
#
# Pauses are by the hypervisor's own clock, what a guest sees of them by the TSC, which goes on meanwhile.

import subprocess
import time

from . import hosts
from .figures import Spread, ratios, table
from rig import dom0, errors, programs  # found through hosts

TITLE = "pause per epoch, cost of a first write, a guest's speed; xl remus beside it"
ROUNDS = 3
BUILD = hosts.ROOT / "build/bench"
PAGES = (0, 1000, 5000, 20000)
SIZES = (256, 1024, 4096)  # MiB of the guest
SIZE_OF_SPEED = 256
SPARE_MIB = 1408  # of the machine: dom0 and the hypervisor
EPOCHS_SECONDS = 12
REST_MS = 30  # of the guest's writer between two turns
SPEED_INTERVAL_MS = 25
SPEED_SECONDS = 8
LOADS = {"compute": 0, "write": 10000}  # pages of a turn
KINDS = ("xen-core", "xen")
BEGIN_SECONDS = 120  # until all memory was taken once


def build():
    folder = BUILD / "initrd/load"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                    "-o", folder / "turns", hosts.ROOT / "bench/load/turns.c"], check=True)
    with open(BUILD / "turns.cpio", "wb") as archive:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input="load\nload/turns",
                       text=True, stdout=archive, cwd=folder.parent, check=True)


def prepare(lab, host):
    dom0.prepare(host, disks=False, nics=False)
    host.push(BUILD / "turns.cpio", "/run/turns.cpio")
    host.run(f"cd {dom0.GUEST_FILES} && cat /run/turns.cpio tiny.initrd >/run/bench.initrd && "
             "cat vmlinux >/dev/null", timeout=120)
    if host.settings.hypervisor == "xen-core":
        host.push(programs.program(lab, "checkpoint_epochs", *dom0.XEN_LIBRARIES), "/root/epochs",
                  0o755)


def guest_of(host, size):
    return host.guest(f"g{size}", memory=size, ramdisk="/run/bench.initrd").boot()


def figures(line):
    """`name value name value ...`"""
    words = line.split()
    return {name: float(value) for name, value in zip(words[0::2], words[1::2])}


def turns(guest, seconds, hertz, pages, rest=0):
    return figures(guest.out(f"/load/turns {seconds} {hertz:.0f} {pages} {rest}", timeout=900))


# --- epochs of ours ---

def begin_epochs(host, guest, mode, interval):
    """Returns when all memory was taken once, and epochs are being cut."""
    host.run("rm -f /root/epochs.out /root/epochs.err")
    host.run(f"(setsid /root/epochs {mode} {guest.domid} 9999 {interval} >/root/epochs.out "
             "2>/root/epochs.err; echo status $? >>/root/epochs.out) </dev/null >/dev/null 2>&1 &")
    wait_for(host, "grep begun /root/epochs.err", "all memory to be taken")


def end_epochs(host):
    host.run("pkill -TERM -x epochs")
    wait_for(host, "grep status /root/epochs.out", "the epochs to end")
    out = host.out("cat /root/epochs.out")
    if not out.endswith("status 0"):
        raise errors.RigError(f"the epochs failed: {out}")
    return figures(out.splitlines()[0])


def wait_for(host, command, what):
    deadline = time.monotonic() + BEGIN_SECONDS
    while host.run(command, check=False).status:
        if time.monotonic() > deadline:
            raise errors.RigError(f"waited in vain for {what}")
        time.sleep(0.2)


def interval_for(pages):
    """Milliseconds in which the writer gets through them, though it is slowed."""
    return 100 + pages // 20


def epochs_under(host, guest, mode, pages, hertz):
    begin_epochs(host, guest, mode, interval_for(pages))
    if pages:
        turn = turns(guest, EPOCHS_SECONDS, hertz, pages, REST_MS)["turn"]
    else:
        turn = guest.out(f"sleep {EPOCHS_SECONDS}")
    return end_epochs(host) | {"turn": turn}


def sample_pauses(lab, host, size):
    """[{size, pages, plain, pace, twins}, ...]"""
    guest = guest_of(host, size)
    hertz = turns(guest, 1, 0, 0)["hertz"]
    rows = []
    for pages in PAGES:
        plain = turns(guest, 2, hertz, pages, REST_MS)["turn"] if pages else 0
        rows.append({"size": size, "pages": pages, "plain": plain} |
                    {mode: epochs_under(host, guest, mode, pages, hertz)
                     for mode in ("pace", "twins")})
        lab.note(str(rows[-1]))
    guest.destroy()
    return rows


# --- a guest's speed ---

def begin_protection(host, guest):
    if host.settings.hypervisor == "xen-core":
        begin_epochs(host, guest, "pace", SPEED_INTERVAL_MS)
        return
    host.run(f"setsid xl remus -F -b -n -d -i {SPEED_INTERVAL_MS} {guest.name} nowhere "
             "</dev/null >/root/remus.log 2>&1 & echo $! >/root/remus.pid")
    deadline = time.monotonic() + BEGIN_SECONDS
    while int(guest.out("dmesg | grep -ci 'freezing of tasks\\|freezing user' || true",
                        timeout=BEGIN_SECONDS)) < 2:
        if time.monotonic() > deadline:
            raise errors.RigError("xl remus took no checkpoint: " +
                                  host.out("cat /root/remus.log"))


def end_protection(host):
    """The guest may be left suspended."""
    if host.settings.hypervisor == "xen-core":
        return end_epochs(host)
    host.run("kill $(cat /root/remus.pid)")
    return host.out("tail -n 3 /root/remus.log")


def sample_speed(lab, host):
    """{load: (unprotected, protected)} of one host."""
    guest = guest_of(host, SIZE_OF_SPEED)
    hertz = turns(guest, 1, 0, 0)["hertz"]
    alone, protected = {}, {}
    for load, pages in LOADS.items():
        alone[load] = turns(guest, SPEED_SECONDS, hertz, pages)
    begin_protection(host, guest)
    for load, pages in LOADS.items():
        protected[load] = turns(guest, SPEED_SECONDS, hertz, pages)
        lab.note(f"{host.settings.hypervisor} {load}: {alone[load]} {protected[load]}")
    lab.note(str(end_protection(host)))
    guest.destroy()
    return {load: (alone[load], protected[load]) for load in LOADS}


# --- the whole ---

def measure(lab, rounds, sizes=SIZES, kinds=KINDS):
    build()
    speeds, rows = {kind: [] for kind in kinds}, []
    for number in range(1, rounds + 1):
        for kind in kinds:
            with hosts.running(lab, kind, number, guests=True,
                               memory=SIZE_OF_SPEED + SPARE_MIB) as host:
                prepare(lab, host)
                speeds[kind].append(sample_speed(lab, host))
    with hosts.running(lab, "xen-core", "sizes", guests=True,
                       memory=max(sizes) + SPARE_MIB) as host:
        prepare(lab, host)
        for size in sizes:
            rows += sample_pauses(lab, host, size)
    return speeds, rows


def micros(value):
    return format(value / 1000, ".0f" if value >= 100000 else ".1f")


def median(turns, name):
    return Spread([turn[name] for turn in turns]).median


def speed_rows(speeds):
    for kind, samples in speeds.items():
        for load in LOADS:
            alone, protected = zip(*[sample[load] for sample in samples])
            kept = ratios([turn["rate"] for turn in protected], [turn["rate"] for turn in alone])
            yield [f"{kind}, {load}", *kept.cells(".3f"),
                   *[format(median(protected, name) / 1e6, ".2f") for name in ("gap_p50", "gap_max")],
                   *[format(median(turns, "gaps") / SPEED_SECONDS, ".1f")
                     for turns in (protected, alone)]]


def pause_rows(rows):
    return [[f"{row['size']} MiB, {row['pages']}", mode,
             *[micros(row[mode][name]) for name in ("pause_p50", "pause_p99", "pause_max")],
             *[format(row[mode][name], ".0f") for name in ("epochs", "dirty_p50", "dirty_max")]]
            for row in rows for mode in ("pace", "twins")]


def write_rows(rows):
    return [[f"{row['size']} MiB, {row['pages']}", micros(row["plain"] / row["pages"]),
             *[micros((row[mode]["turn"] - row["plain"]) / row["pages"]) for mode in ("pace", "twins")],
             *[format(row[mode]["fetched"] * 4096 / max(1, row[mode]["fetching"]), ".2f")
               for mode in ("pace", "twins")]]
            for row in rows if row["pages"]]


def text(results):
    speeds, rows = results
    return "\n\n".join([
        table(["speed kept", "median", "min", "max", "gap ms", "max", "a second", "alone"],
              list(speed_rows(speeds))),
        table(["pause, us", "", "p50", "p99", "max", "epochs", "pages p50", "max"],
              pause_rows(rows)),
        table(["a page, us", "alone", "fault", "and twin", "fetch GB/s", "twins"],
              write_rows(rows))])
