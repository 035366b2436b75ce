#!/usr/bin/env python3
"""Every source opens with one line that says what the file is, then the licence."""
# SPDX-License-Identifier: Apache-2.0

import re
import subprocess
import sys
from pathlib import Path

PATTERNS = ["*.c", "*.h", "*.S", "*.lds", "*.py", "*.sh", "Makefile", "run", "deps", "sources"]
OPENING = re.compile(r'(/\*|#|"""|//) ?\w.{6,}')
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def check(path):
    lines = Path(path).read_text().splitlines()
    first = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= first or not OPENING.match(lines[first]):
        return [f"{path}:{first + 1}: does not open with a comment that says what the file is"]
    if not any(LICENCE in line for line in lines[:first + 12]):
        return [f"{path}:{first + 2}: no line {LICENCE}"]
    return []


def main():
    found = subprocess.run(["tests/lint/sources", *PATTERNS], check=True,
                           capture_output=True, text=True).stdout.split()
    breaches = [breach for path in found for breach in check(path)]
    print("\n".join(breaches))
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
