# How long a host takes from power-on until its dom0 answers commands.
# SPDX-License-Identifier: Apache-2.0
#
# The same kernel, initrd, disk and minimal init each time; only what they run on differs. The kinds
# take turns, so that a slow minute of this machine hits all of them; the processor time that QEMU
# used tells the same story where others kept this machine busy.

import os
import re
import time
from typing import NamedTuple

from . import hosts
from .figures import Spread, ratios, table

TITLE = "from power-on to a dom0 that answers"
ROUNDS = 5
KINDS = ("xen-core", "bare", "xen")
BASELINES = ("bare", "xen")

# The rig's console log has the seconds since power-on before each line. What these hypervisors say
# last before dom0's kernel runs:
AT_FIRST = re.compile(r"^ *([\d.]+) (?:\(core\)|\(XEN\)) ", re.MULTILINE)
AT_LAST = re.compile(r"^ *([\d.]+) (?:\(core\) dom0: |\(XEN\) \*\*\* Serial input to DOM0)",
                     re.MULTILINE)


class Sample(NamedTuple):
    seconds: float  # from power-on to the first answer
    cpu: float  # seconds that QEMU had a processor meanwhile
    before_kernel: float | None  # seconds in the hypervisor


def cpu_seconds(host):
    """User and system time of all of QEMU's threads."""
    with open(f"/proc/{host.process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_before_kernel(host):
    """From the hypervisor's first word to its last before dom0's kernel, or None without one."""
    log = (host.folder / "console.log").read_text(errors="replace")
    first, last = AT_FIRST.search(log), AT_LAST.search(log)
    return float(last.group(1)) - float(first.group(1)) if first and last else None


def measure(lab, rounds):
    """{kind: [Sample, ...]}"""
    results = {kind: [] for kind in KINDS}
    for number in range(1, rounds + 1):
        for kind in KINDS:
            start = time.monotonic()
            with hosts.running(lab, kind, number) as host:
                sample = Sample(time.monotonic() - start, cpu_seconds(host),
                                seconds_before_kernel(host))
            results[kind].append(sample)
            lab.note(f"round {number}: {kind} {sample.seconds:.1f} s, {sample.cpu:.1f} s of CPU")
    return results


def absolute(samples):
    """Cells of the first table after the kind's name."""
    before = [sample.before_kernel for sample in samples if sample.before_kernel is not None]
    return [*Spread([sample.seconds for sample in samples]).cells(".1f"),
            *Spread([sample.cpu for sample in samples]).cells(".1f"),
            format(Spread(before).median, ".1f") if before else "-"]


def compared(ours, theirs):
    """Cells of the second table after the kind's name: by the clock, then by processor time."""
    return [cell for column in ("seconds", "cpu")
            for cell in ratios([getattr(sample, column) for sample in ours],
                               [getattr(sample, column) for sample in theirs]).cells(".2f")]


def text(results):
    spread = ["median", "min", "max"]
    return "\n\n".join([
        table(["seconds", *spread, "CPU", *spread[1:], "hypervisor"],
              [[kind, *absolute(samples)] for kind, samples in results.items()]),
        table(["ratio", *spread, "CPU", *spread[1:]],
              [[f"xen-core / {kind}", *compared(results["xen-core"], results[kind])]
               for kind in BASELINES]),
        "CPU: processor time of QEMU. hypervisor: from its first line on the console to\n"
        "its last before dom0's kernel. xen: Debian's Xen 4.17, PV dom0."])
