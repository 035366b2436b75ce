# What a guest gets: life, disk, network and processor, against Debian's Xen with its own back ends.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0: load/net -- bridge -- vif -- guest: load/net, load/disk, load/cpu;  xvda is dom0's /dev/vdc
#
# The same kernel, initrd and programs in the guest, the same machine below. Both hosts run all the time,
# and each figure is taken of one and of the other in turns of seconds: a machine that is slower for a while
# is so for both. On Debian's Xen dom0 is a PV guest and the kernel's netback and blkback serve, on xen-core
# ours do.

import contextlib
import statistics
import subprocess
import time
from typing import NamedTuple

from . import hosts
from .figures import Spread, ratios, table
from rig import dom0  # found through hosts

TITLE = "a guest's life, disk, network and processor"
ROUNDS = 3
SECONDS = 3
TURNS = 3
KINDS = ("xen-core", "xen")
LOADS = ("disk", "net", "cpu")
BUILD = hosts.ROOT / "build/bench"
PORT = 5999
DISK = "512M"
LARGE = 1 << 18


class Row(NamedTuple):
    title: str
    unit: float  # what a figure is divided by to be shown
    less_is_better: bool = False


ROWS = {
    "create": Row("create to userspace, s", 1, True),
    "destroy": Row("destroy, s", 1, True),
    "read_4k": Row("disk, 4k reads, IOPS", 1),
    "write_4k": Row("disk, 4k writes, IOPS", 1),
    "read_256k": Row("disk, 256k reads, MB/s", 1e6),
    "write_256k": Row("disk, 256k writes, MB/s", 1e6),
    "send": Row("network, guest sends, MB/s", 1e6),
    "receive": Row("network, guest receives, MB/s", 1e6),
    "trip": Row("network, round trip, us", 1, True),
    "compute": Row("processor, computing, /s", 1),
    "memory": Row("processor, memory, /s", 1),
    "processes": Row("processor, processes, /s", 1),
    "switch": Row("processor, switches, /s", 0.5),
}


def build():
    """The initrd's further part: the programs, in front of the guest's own."""
    folder = BUILD / "initrd/load"
    folder.mkdir(parents=True, exist_ok=True)
    for name in LOADS:
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                        "-o", folder / name, hosts.ROOT / f"bench/load/{name}.c"], check=True)
    names = "\n".join(["load"] + [f"load/{name}" for name in LOADS])
    with open(BUILD / "load.cpio", "wb") as archive:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=names.encode(),
                       stdout=archive, cwd=folder.parent, check=True)


def prepare(host):
    """All that is done once, before the first guest; and the files are in dom0's memory."""
    dom0.prepare(host, disks=True, nics=True)
    dom0.once(host, dom0.add_quick_scripts)
    host.push(BUILD / "load.cpio", "/run/load.cpio")
    host.push(BUILD / "initrd/load/net", "/run/net", 0o755)
    host.run(f"cd {dom0.GUEST_FILES} && cat /run/load.cpio tiny.initrd >/run/bench.initrd && "
             "cat vmlinux >/dev/null", timeout=120)


def describe(host):
    return host.guest("bench", memory=256, nics=1, ramdisk="/run/bench.initrd", vif_script="quick-vif",
                      disks=[f"{host.disk_device(0)},raw,xvda,w,script=quick-block"])


def timed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


class Subject:
    """A host and its guest, of which one figure after the other is asked."""

    def __init__(self, host):
        prepare(host)
        self.host, self.guest = host, describe(host)
        host.run(f"setsid /run/net serve {PORT} </dev/null >/dev/null 2>&1 &")
        self.boot()
        # Storage below its disk has all blocks from now on.
        self.guest.run("dd if=/dev/zero of=/dev/xvda bs=1M 2>/dev/null; sync", timeout=400)

    def boot(self):
        """Seconds."""
        took = timed(self.guest.boot)
        self.guest.run(f"setsid /load/net serve {PORT} </dev/null >/dev/null 2>&1 &")
        return took

    def create(self, _):
        self.guest.destroy()
        return self.boot()

    def destroy(self, _):
        took = timed(self.guest.destroy)
        self.boot()
        return took

    def cpu(self, kind, seconds):
        return float(self.guest.out(f"/load/cpu {kind} {seconds}", timeout=180))

    def net(self, way, seconds):
        if way == "send":
            said = self.guest.out(f"/load/net stream {self.host.address()} {PORT} {seconds}", timeout=180)
        else:
            said = self.host.out(f"/run/net {way} {self.guest.address} {PORT} {seconds}", timeout=180)
        return float(said.split()[0])

    def disk(self, way, size, seconds):
        """Blocks a second."""
        return float(self.guest.out(f"/load/disk /dev/xvda {way} {size} 16 {seconds}", timeout=180))


ASKED = {
    "create": Subject.create,
    "destroy": Subject.destroy,
    "read_4k": lambda subject, seconds: subject.disk("read", 4096, seconds),
    "write_4k": lambda subject, seconds: subject.disk("write", 4096, seconds),
    "read_256k": lambda subject, seconds: subject.disk("read", LARGE, seconds) * LARGE,
    "write_256k": lambda subject, seconds: subject.disk("write", LARGE, seconds) * LARGE,
    "send": lambda subject, seconds: subject.net("send", seconds),
    "receive": lambda subject, seconds: subject.net("stream", seconds),
    "trip": lambda subject, seconds: subject.net("ask", seconds),
    "compute": lambda subject, seconds: subject.cpu("compute", seconds),
    "memory": lambda subject, seconds: subject.cpu("memory", seconds),
    "processes": lambda subject, seconds: subject.cpu("processes", seconds),
    "switch": lambda subject, seconds: subject.cpu("switch", seconds),
}


def alternate(subjects, ask, seconds):
    """{kind: figure}: medians of samples taken in turns, each time beginning with another."""
    samples = {kind: [] for kind in subjects}
    for number in range(TURNS):
        for kind in sorted(subjects, reverse=number % 2):
            samples[kind].append(ask(subjects[kind], seconds))
    return {kind: statistics.median(samples[kind]) for kind in subjects}


def sample(running, seconds):
    """{kind: {name: figure}} by the names of ROWS."""
    subjects = {kind: Subject(host) for kind, host in running.items()}
    figures = {name: alternate(subjects, ask, seconds) for name, ask in ASKED.items()}
    return {kind: {name: figure[kind] for name, figure in figures.items()} for kind in subjects}


def measure(lab, rounds, seconds=SECONDS):
    """{kind: [sample, ...]}"""
    build()
    results = {kind: [] for kind in KINDS}
    for number in range(1, rounds + 1):
        with contextlib.ExitStack() as stack:
            running = {kind: stack.enter_context(hosts.running(lab, kind, number, nics=("lan",), guests=True,
                                                               disks=(DISK,))) for kind in KINDS}
            for kind, found in sample(running, seconds).items():
                results[kind].append(found)
                lab.note(f"round {number}: {kind} " + ", ".join(
                    f"{name} {value:.4g}" for name, value in found.items()))
    return results


def absolute(samples, name):
    median = Spread([sample[name] for sample in samples]).median / ROWS[name].unit
    return format(median, ".0f" if median >= 100 else ".1f" if median >= 10 else ".2f")


def compared(ours, theirs, name):
    """How many times better ours is: above 1 is faster, whatever the figure counts."""
    pair = [[sample[name] for sample in samples] for samples in (ours, theirs)]
    return ratios(*(reversed(pair) if ROWS[name].less_is_better else pair)).cells(".2f")


def text(results):
    ours, theirs = (results[kind] for kind in KINDS)
    return "\n\n".join([
        table(["medians", "xen-core", "Xen", "better", "min", "max"],
              [[row.title, absolute(ours, name), absolute(theirs, name),
                *compared(ours, theirs, name)] for name, row in ROWS.items()]),
        "better: how many times faster xen-core is, round by round; less than 1 is slower.\n"
        "Disk: 16 requests at once, past the guest's cache. Network: TCP to and from dom0.\n"
        "Xen: Debian's Xen 4.17, PV dom0, the kernel's netback and blkback."])
