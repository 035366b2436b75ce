# How large the hypervisor is: its image, and its source line by line.
# SPDX-License-Identifier: Apache-2.0

import re
import subprocess

from .figures import table
from .hosts import ROOT

TITLE = "the image's size and the lines of source"
ROUNDS = None  # nothing varies
IMAGE = ROOT / "build/xen-core"
LINKED = ROOT / "build/xen-core.elf"
MAX_LINES = 20000
MAX_IMAGE_KIB = 2048

IN_C = (".c", ".h", ".S", ".lds")
IN_SCRIPT = (".py", ".sh", "")  # without a suffix: scripts, Makefiles, lists
NOT_SOURCE = ("LICENSE",)
COMMENT_IN_C = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)


def _blank_out(match):
    """A comment becomes a mark on each line that it touches; a string stays what it is."""
    found = match.group(0)
    return found if found[0] == '"' else re.sub(r"[^\n]+", "\1", found)


def count(path):
    """(code, comment, blank) lines of a source."""
    source = path.read_text(errors="replace")
    if path.suffix in IN_C:
        marked = COMMENT_IN_C.sub(_blank_out, source)
    else:
        marked = re.sub(r"^\s*#.*", "\1", source, flags=re.MULTILINE)
    lines = [line.strip() for line in marked.splitlines()]
    blank = sum(not line for line in lines)
    comment = sum(bool(line) and not line.strip("\1 \t") for line in lines)
    return len(lines) - blank - comment, comment, blank


def group(path):
    """Where a file is counted: a folder of the hypervisor, or a top folder."""
    parts = path.relative_to(ROOT).parts
    if len(parts) == 1:
        return "(top)"
    return "/".join(parts[:2]) if parts[0] == "xen-core" and len(parts) > 2 else parts[0]


def sources():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return [ROOT / name for name in listed
            if (ROOT / name).is_file() and name not in NOT_SOURCE
            and (ROOT / name).suffix in IN_C + IN_SCRIPT]


def measure(_lab, _rounds):
    """{"image": {part: bytes}, "lines": {group: [files, code, comment, blank]}}"""
    out = subprocess.run(["size", LINKED], check=True, capture_output=True, text=True).stdout
    parts = dict(zip(("text", "data", "bss"), map(int, out.splitlines()[1].split())))
    lines = {}
    for path in sources():
        row = lines.setdefault(group(path), [0, 0, 0, 0])
        for index, value in enumerate((1, *count(path))):
            row[index] += value
    return {"image": {**parts, "in memory": sum(parts.values()), "file": IMAGE.stat().st_size},
            "lines": lines}


def text(results):
    image, lines = results["image"], results["lines"]
    ours = [row for name, row in lines.items() if name.split("/")[0] == "xen-core"]
    total = [sum(column) for column in zip(*ours)]
    rows = [[name, *map(str, row), str(sum(row[1:]))] for name, row in sorted(lines.items())]
    rows.append(["xen-core in all", *map(str, total), str(sum(total[1:]))])
    return "\n\n".join([
        table(["image of xen-core", "KiB"],
              [[name, format(size / 1024, ".0f")] for name, size in image.items()]),
        table(["lines", "files", "code", "comment", "blank", "all"], rows),
        f"Budgets of xen-core: {MAX_LINES} lines, of which {total[1]} are used by code, "
        f"{sum(total[1:])}\nwith comments and blank lines; {MAX_IMAGE_KIB} KiB in memory, of which "
        f"{image['in memory'] / 1024:.0f} are used."])
