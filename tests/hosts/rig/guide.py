# The operations guide as a program: its blocks of commands, and on which machine each is to be run.
# SPDX-License-Identifier: Apache-2.0
#
# A block opens with ```text, and is not run, or with ```sh on=MACHINE[,MACHINE...] and words of:
#     dies               the machine is off when it has run it
#     after=power-on     the machine is switched on again before

import re
from typing import NamedTuple

from .machine import ROOT

PATH = ROOT / "docs/operations.md"
MACHINES = {"a", "b", "c", "admin"}
FENCE = re.compile(r"^\s*(```+|~~~+)(.*)$")
TAG = re.compile(r"sh on=([a-z,]+)( dies)?( after=power-on)?")


class Block(NamedTuple):
    line: int  # of its first command
    machines: list[str]
    dies: bool
    power_on: bool
    commands: str


def fences(text):
    """Of each fenced block the number of its line, what stands behind the fence, and what it holds."""
    opened = None
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if not match:
            if opened:
                opened[2].append(line)
        elif opened:
            yield opened
            opened = None
        else:
            opened = (number, match[2].strip(), [])
    if opened:
        raise ValueError(f"{opened[0]}: this block does not end")


def blocks(text):
    """Those that are run, in order. ValueError, with the number of a line, if one has no tag."""
    found = []
    for number, words, lines in fences(text):
        if words == "text":
            continue
        match = TAG.fullmatch(words)
        machines = match[1].split(",") if match else []
        if not machines or not set(machines) <= MACHINES:
            raise ValueError(f"{number}: a block is `text`, or `sh on=` and machines of {', '.join(sorted(MACHINES))}")
        found.append(Block(number + 1, machines, bool(match[2]), bool(match[3]), "\n".join(lines)))
    return found
