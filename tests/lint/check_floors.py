#!/usr/bin/env python3
"""Lower folders know nothing of upper ones, and no headers include each other in a circle."""
# SPDX-License-Identifier: Apache-2.0

import re
import sys
from pathlib import Path

ROOT = Path("xen-core")
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
FROM_THE_BUILD = {"version.h"}


def read_floors():
    lines = Path("tests/lint/floors").read_text().splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    return {name: level for level, name in enumerate(names)}


def includes(path):
    """(line number, included name) of each include in quotes."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match and match[1] not in FROM_THE_BUILD:
            yield number, match[1]


def check_file(path, floors):
    own = str(path.parent.relative_to(ROOT))
    if own not in floors:
        return [f"{path}:1: folder {own} is not in tests/lint/floors"]
    breaches = []
    for number, name in includes(path):
        folder = str(Path(name).parent)
        if not (ROOT / name).exists():
            breaches.append(f'{path}:{number}: "{name}" is not a path from {ROOT}/')
        elif floors.get(folder, len(floors)) > floors[own]:
            breaches.append(f'{path}:{number}: "{name}" is above {own}')
    return breaches


def find_circles(graph):
    """Depth first; a name met again while it is still open closes a circle."""
    breaches, done, trail = [], set(), []

    def visit(name):
        if name in trail:
            circle = trail[trail.index(name):] + [name]
            breaches.append(f"{ROOT}/{name}:1: includes itself: {' -> '.join(circle)}")
        elif name not in done:
            trail.append(name)
            for included in graph.get(name, []):
                visit(included)
            done.add(trail.pop())

    for name in sorted(graph):
        visit(name)
    return breaches


def main():
    floors = read_floors()
    sources = sorted(p for p in ROOT.rglob("*") if p.suffix in (".c", ".h", ".S"))
    breaches = [breach for path in sources for breach in check_file(path, floors)]
    graph = {str(p.relative_to(ROOT)): [name for _, name in includes(p)]
             for p in sources if p.suffix == ".h"}
    breaches += find_circles(graph)
    print("\n".join(breaches))
    return bool(breaches)


if __name__ == "__main__":
    sys.exit(main())
