# What it costs dom0 to call upon the hypervisor, against a PVH dom0 on Debian's Xen.
# SPDX-License-Identifier: Apache-2.0
#
# exits.c measures, inside dom0. The two hypervisors take turns, on machines with the same CPU.

import subprocess

from . import hosts
from .figures import Spread, ratios, table

TITLE = "the cost of an exit, a hypercall, an event, a sleep"
ROUNDS = 3
BATCHES = 200
KINDS = ("xen-core-pvh", "xen-pvh")
SOURCE = hosts.ROOT / "bench/exits.c"
PROGRAM = hosts.ROOT / "build/bench/exits"
RUN_SECONDS = 300

ROWS = {
    "cpuid": "CPUID",
    "xen_version": "hypercall",
    "refused": "refused hypercall",
    "rdtsc": "RDTSC",
    "ioctl": "plain ioctl",
    "event_near": "event, same vCPU",
    "event_far": "event, other vCPU",
    "sleep": "late from sleep",
}


def build():
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                    "-o", PROGRAM, SOURCE], check=True)


def sample(host, batches):
    """{name: (median, 10th percentile, 90th percentile)} of one host, in nanoseconds."""
    host.push(PROGRAM, "/tmp/exits", mode=0o755)
    host.run("modprobe -a xen-privcmd xen-evtchn")
    lines = host.out(f"/tmp/exits {batches}", timeout=RUN_SECONDS).splitlines()
    return {name: tuple(map(int, values)) for name, *values in map(str.split, lines)}


def measure(lab, rounds, batches=BATCHES):
    """{kind: [sample, ...]}"""
    build()
    results = {kind: [] for kind in KINDS}
    for number in range(1, rounds + 1):
        for kind in KINDS:
            with hosts.running(lab, kind, number) as host:
                results[kind].append(sample(host, batches))
            lab.note(f"round {number}: {kind} CPUID {results[kind][-1]['cpuid'][0]} ns")
    return results


def short(nanos):
    """Microseconds with about three digits that mean something."""
    micros = nanos / 1000
    return format(micros, ".0f" if micros >= 100 else ".1f" if micros >= 1 else ".2f")


def cells(samples, name):
    """A batch's median and its 10th to 90th percentile, each the median over the rounds."""
    middle, low, high = (Spread([sample[name][index] for sample in samples]).median
                         for index in range(3))
    return [short(middle), f"{short(low)}-{short(high)}"]


def text(results):
    ours, theirs = (results[kind] for kind in KINDS)
    rows = []
    for name, title in ROWS.items():
        median, least, greatest = ratios([sample[name][0] for sample in ours],
                                         [sample[name][0] for sample in theirs]).cells(".2f")
        rows.append([title, *cells(ours, name), *cells(theirs, name),
                     median, f"{least}-{greatest}"])
    return "\n\n".join([
        table(["microseconds", "xen-core", "p10-p90", "Xen", "p10-p90", "ratio", "min-max"], rows),
        "Medians of batches, then of rounds; the ratio is that of the medians, round by\n"
        "round. What passing an ioctl to the driver costs is taken off the hypercalls.\n"
        "Sleeps are of 1 ms. Xen: Debian's Xen 4.17, PVH dom0."])
