#!/usr/bin/env python3
"""The operations guide says of each block where it is run, and of each alarm what to do."""
# SPDX-License-Identifier: Apache-2.0

import re
import sys
from pathlib import Path

sys.path.insert(0, "tests/hosts")
from rig import guide  # noqa: E402  (found through the line above)

GUIDE = "docs/operations.md"
# Where the sentences of alarms are.
ARBITER = "fencing/arbiter/actions.c"
WARD = "replication/daemon/tell_ward.c"
LITERALS = r'((?:"[^"]*"\s*)+)'
NEWS = {"ALARM_PROTECTED"}  # no alarm, though it is told where alarms are


def joined(literals):
    return "".join(re.findall(r'"([^"]*)"', literals))


def alarms():
    for name, literals in re.findall(rf"\[(ALARM_\w+)\]\s*=\s*{LITERALS}", Path(ARBITER).read_text()):
        if name not in NEWS:
            yield ARBITER, joined(literals)
    for literals in re.findall(rf'\{{ "[a-z-]+", {LITERALS}\}}', Path(WARD).read_text()):
        yield WARD, joined(literals)


def main():
    text = Path(GUIDE).read_text()
    breaches = [f"{file}:1: no row of {GUIDE} says what to do about: {alarm}" for file, alarm in alarms()
                if f"| {alarm} |" not in text]
    try:
        guide.blocks(text)
    except ValueError as error:
        breaches.append(f"{GUIDE}:{error}")
    print("\n".join(breaches))
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
