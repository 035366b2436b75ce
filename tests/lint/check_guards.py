#!/usr/bin/env python3
"""Nothing is chosen by the preprocessor: a .c file has no conditional, a header only its guard."""
# SPDX-License-Identifier: Apache-2.0
#
# The guard is named by the header's path: xen-core/mm/frame.h has XEN_CORE_MM_FRAME_H. A header that
# assembly includes too may hide its C from it; Xen's headers want a few names before they open.

import re
import subprocess
import sys
from pathlib import Path

CONDITIONAL = re.compile(r"\s*#\s*(?:if|ifdef|ifndef|elif|else)\b(.*)")
FOR_ASSEMBLY = re.compile(r"\s*#\s*ifndef\s+__ASSEMBLER__\s*$")


def conditionals(lines):
    return [number for number, line in enumerate(lines, 1) if CONDITIONAL.match(line)]


def check_header(path, lines):
    guard = re.sub(r"\W", "_", path).upper()
    numbers = conditionals(lines)
    if not numbers:
        return [f"{path}:1: no guard {guard}"]
    opening = lines[numbers[0] - 1:numbers[0] + 1]
    breaches = []
    if opening != [f"#ifndef {guard}", f"#define {guard}"]:
        breaches.append(f"{path}:{numbers[0]}: the guard is not {guard}")
    if lines[-1].split("/*")[0].strip() != "#endif":
        breaches.append(f"{path}:{len(lines)}: text after the guard")
    return breaches + [f"{path}:{number}: conditional in a header" for number in numbers[1:]
                       if not FOR_ASSEMBLY.match(lines[number - 1])]


def main():
    found = subprocess.run(["tests/lint/sources", "*.c", "*.h"], check=True,
                           capture_output=True, text=True).stdout.split()
    breaches = []
    for path in found:
        lines = Path(path).read_text().splitlines()
        if path.endswith(".h"):
            breaches += check_header(path, lines)
        else:
            breaches += [f"{path}:{number}: conditional" for number in conditionals(lines)]
    print("\n".join(breaches))
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
