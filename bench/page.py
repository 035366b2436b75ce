# Writes what a bench found into docs/benchmarks.md, between marks; the prose around them stays.
# SPDX-License-Identifier: Apache-2.0

import datetime
import os
import re
import subprocess

from .hosts import ROOT

PAGE = ROOT / "docs/benchmarks.md"


def first_line(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True,
                          text=True).stdout.splitlines()[0]


def cpu_model():
    with open("/proc/cpuinfo") as file:
        return re.search(r"model name\s*: (.*)", file.read()).group(1)


def identity(image):
    """What a hypervisor image calls itself; the checkout may have moved on since it was built."""
    return re.search(rb"xen-core [\d.]+ \(\w+\)", image.read_bytes()).group(0).decode()


def circumstances(image, rounds, load, is_native=False):
    """When, of what and on what it was measured."""
    if is_native:
        return (f"Measured on {datetime.date.today()}, on {cpu_model()}, {os.cpu_count()} cores\n"
                f"(load {load:.1f} before).")
    qemu = re.search(r"version (\S+)", first_line("qemu-system-x86_64", "--version")).group(1)
    repeated = f"{rounds} round{'s' if rounds > 1 else ''}. " if rounds else ""
    return (f"{repeated}{identity(image)}, measured on {datetime.date.today()}, on\n"
            f"{cpu_model()}, {os.cpu_count()} cores\n"
            f"(load {load:.1f} before), by QEMU {qemu} without KVM.")


def write(name, text):
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    page = PAGE.read_text()
    if begin not in page:
        page += f"\n## {name}\n\n{begin}\n{end}\n"
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    PAGE.write_text(f"{before}{begin}\n```\n{text}\n```\n{end}{after}")
