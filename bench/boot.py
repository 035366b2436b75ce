# How long a host takes from power-on until its dom0 answers commands.
# SPDX-License-Identifier: Apache-2.0
#
# The same kernel, initrd, disk and minimal init each time; only what they run on differs. The kinds
# take turns, so that a slow minute of this machine hits all of them.

import re
import time

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


def seconds_before_kernel(host):
    """From the hypervisor's first word to its last before dom0's kernel, or None without one."""
    log = (host.folder / "console.log").read_text(errors="replace")
    first, last = AT_FIRST.search(log), AT_LAST.search(log)
    return float(last.group(1)) - float(first.group(1)) if first and last else None


def measure(lab, rounds):
    """{kind: [(seconds to the answer, seconds before the kernel), ...]}"""
    results = {kind: [] for kind in KINDS}
    for number in range(1, rounds + 1):
        for kind in KINDS:
            start = time.monotonic()
            with hosts.running(lab, kind, number) as host:
                seconds = time.monotonic() - start
                results[kind].append((seconds, seconds_before_kernel(host)))
            lab.note(f"round {number}: {kind} {seconds:.1f} s")
    return results


def text(results):
    rows = []
    for kind, samples in results.items():
        before = [seconds for _, seconds in samples if seconds is not None]
        rows.append([kind, *Spread([seconds for seconds, _ in samples]).cells(".2f"),
                     Spread(before).cells(".2f")[0] if before else "-"])
    totals = {kind: [seconds for seconds, _ in samples] for kind, samples in results.items()}
    compared = [[f"xen-core / {kind}", *ratios(totals["xen-core"], totals[kind]).cells(".2f")]
                for kind in BASELINES]
    return "\n\n".join([
        table(["seconds", "median", "min", "max", "in the hypervisor"], rows),
        table(["ratio, round by round", "median", "min", "max"], compared),
        "xen: Debian's Xen 4.17, PV dom0. In the hypervisor: from its first line on\n"
        "the console to its last before dom0's kernel."])
