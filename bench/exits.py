# What it costs dom0 to call upon the hypervisor, against a PVH dom0 on Debian's Xen.
# SPDX-License-Identifier: Apache-2.0
#
# exits.c measures, inside dom0. The two hypervisors take turns, on machines with the same CPU.

import subprocess

from . import hosts
from .figures import Spread, ratios, table

TITLE = "the cost of an exit, a hypercall, an event, a sleep"
ROUNDS = 3
BATCHES = 100
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


def absolute(samples, name):
    """A batch's median, 10th and 90th percentile, each the median over the rounds."""
    return [short(Spread([sample[name][index] for sample in samples]).median)
            for index in range(3)]


def compared(ours, theirs, name):
    """How the medians compare, then the 10th percentiles."""
    return [cell for index in (0, 1)
            for cell in ratios([sample[name][index] for sample in ours],
                               [sample[name][index] for sample in theirs]).cells(".2f")]


def text(results):
    ours, theirs = (results[kind] for kind in KINDS)
    return "\n\n".join([
        table(["microseconds", "xen-core", "p10", "p90", "Xen", "p10", "p90"],
              [[title, *absolute(ours, name), *absolute(theirs, name)]
               for name, title in ROWS.items()]),
        table(["xen-core / Xen", "median", "min", "max", "p10", "min", "max"],
              [[title, *compared(ours, theirs, name)] for name, title in ROWS.items()]),
        "Percentiles are of batches; over them the median of the rounds, whose ratios are\n"
        "taken round by round. p10 is what undisturbed batches took. Passing an ioctl to\n"
        "the driver is taken off the hypercalls. Xen: Debian's Xen 4.17, PVH dom0."])
