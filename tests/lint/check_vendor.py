#!/usr/bin/env python3
"""Outside the vendor folders code names a CPU vendor's extension in one file: boot's choice of the table."""
# SPDX-License-Identifier: Apache-2.0
#
# Comments and texts may, and so may the list of what a CPU can have, hw/cpu: a fact, not a choice.

import re
import sys
from pathlib import Path

ROOT = Path("xen-core")
VENDOR_FOLDERS = (ROOT / "vcpu/svm", ROOT / "vcpu/vmx")
CPU_FEATURES = (ROOT / "hw/cpu.h", ROOT / "hw/cpu.c")
WORD = re.compile(r"\w*(?:svm|vmx)\w*", re.IGNORECASE)
INVISIBLE = re.compile(r'/\*.*?\*/|//[^\n]*|(?<!include )"(?:\\.|[^"\\\n])*"', re.DOTALL)


def visible(text):
    """The text without comments and strings, its lines kept."""
    return INVISIBLE.sub(lambda match: "\n" * match[0].count("\n"), text)


def main():
    named = {}
    for path in sorted(p for p in ROOT.rglob("*") if p.suffix in (".c", ".h", ".S")):
        if path.parent in VENDOR_FOLDERS or path in CPU_FEATURES:
            continue
        for number, line in enumerate(visible(path.read_text()).splitlines(), 1):
            for word in WORD.findall(line):
                named.setdefault(path, []).append(f"{path}:{number}: names {word}")
    in_boot = [path for path in named if path.parent == ROOT / "boot"]
    if len(in_boot) == 1:
        del named[in_boot[0]]
    print("\n".join(breach for breaches in named.values() for breach in breaches))
    return bool(named)


if __name__ == "__main__":
    sys.exit(main())
