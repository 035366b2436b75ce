#!/usr/bin/env python3
"""Breaks the code on purpose, one rule at a time, and expects the simulated pair to notice."""
# SPDX-License-Identifier: Apache-2.0

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = 20000
FOLDERS = ("common", "replication", "tests/sim")

# What is broken, the file, what stands there, what stands there instead.
MUTATIONS = [
    ("output is released when it was sent, not acknowledged", "replication/primary/push.c",
     "	epoch->has_ended = !err;\n",
     "	epoch->has_ended = !err;\n"
     "	if (!err && !(epoch->flags & WIRE_BEGIN_BASE))\n"
     "		primary->vm->ops->release(primary->vm, epoch->epoch);\n"),
    ("output is released when an epoch of the base is acknowledged",
     "replication/epoch/primary_states.c",
     "		return PRIMARY_FORGET;\n	}", "		return PRIMARY_FORGET | PRIMARY_RELEASE;\n	}"),
    ("a commit that failed counts as done", "replication/stage/stage.c",
     "(enum wire_state_kind)kind);\n	return err;", "(enum wire_state_kind)kind);\n	return 0;"),
    ("disk writes of the open epoch go with the one before", "replication/primary/collect.c",
     "vm, primary->states.cut, &primary->write", "vm, primary->states.cut + 1, &primary->write"),
    ("the capture comes before the marker", "replication/primary/primary.c",
     "	int err = vm->ops->stop(vm, epoch);\n	int gone_on;\n\n	if (err)\n		return err;\n"
     "	err = vm->ops->capture(vm, cut);\n",
     "	int err = vm->ops->capture(vm, cut);\n	int gone_on;\n\n	if (err)\n		return err;\n"
     "	err = vm->ops->stop(vm, epoch);\n"),
    ("a capture counts though devices went on too early", "replication/primary/primary.c",
     "	return err ? err : gone_on;", "	(void)gone_on;\n	return err;"),
    ("an epoch is acknowledged when it begins to be staged", "replication/standby/standby.c",
     "	limits = limits_now(standby);\n",
     "	limits = limits_now(standby);\n	if (!is_base) {\n"
     "		struct wire_ack early = { 0 };\n\n"
     "		say(standby, WIRE_ACK, frame->epoch, &early, sizeof(early));\n	}\n"),
    ("a capture begins before the last one is a whole epoch", "replication/primary/collect.c",
     "	epoch->is_whole = !is_base;\n	return 1;", "	epoch->is_whole = !is_base && size;\n	return 1;"),
    ("a captured epoch that was lost is forgotten", "replication/epoch/primary_states.c",
     "	states->is_broken = true;\n	return PRIMARY_CLOSE | lose(states, \"the VM could",
     "	return PRIMARY_CLOSE | lose(states, \"the VM could"),
    ("a standby with half a base may take over", "replication/epoch/standby_states.c",
     "	return is_in(states, STANDBY_READY) || is_in(states, STANDBY_BROKEN) ? 0 : -ENODATA;",
     "	return states->whole ? 0 : -ENODATA;"),
    ("a takeover forgets what waits for its commit", "replication/standby/standby.c",
     "	while (standby->waiting_count && !err)\n		err = commit_oldest(standby);\n",
     "	standby->states.committed = standby->states.whole;\n"),
    ("nobody looks at the sum of a frame", "replication/wire/frame.c",
     "	if (sum_of(&header, bytes", "	if (0 && sum_of(&header, bytes"),
    ("output passes while a base replaces a copy", "replication/epoch/primary_states.c",
     "	return PRIMARY_ATTACH;", "	states->is_held = false;\n	return PRIMARY_ATTACH | PRIMARY_FREE;"),
    ("a copy leaves out what the standby has marked", "replication/primary/primary.c",
     "	if (primary->pairing && primary->pairing == common)\n",
     "	if (primary->pairing && primary->pairing != common)\n"),
    ("marks are dropped when an epoch is acknowledged, not committed",
     "replication/primary/primary.c", "	tell_committed(primary, ack.committed);",
     "	tell_committed(primary, frame->epoch);"),
    ("a standby forgets its marks when a copy begins", "tests/sim/shadow.c",
     "	if (!pairing || pairing != shadow->marks.pairing) {\n",
     "	memset(shadow->marks.marked, 0, sizeof(shadow->marks.marked));\n"
     "	if (!pairing || pairing != shadow->marks.pairing) {\n"),
    ("disks are taken for paired that are not", "replication/primary/primary.c",
     "	primary->common = theirs.pairing == primary->settings.hello.pairing ? theirs.pairing : 0;\n",
     "	primary->common = primary->settings.hello.pairing;\n"),
]


def build(folder):
    sources = [str(p) for name in ("tests/sim", *(f"replication/{room}" for room in (
        "epoch", "primary", "standby", "stage", "wire", "encode")))
        for p in sorted((folder / name).glob("*.c"))]
    sources += [str(folder / f"common/{name}.c") for name in ("log", "states")]
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-w", f"-I{folder}", *sources,
                    "-o", str(folder / "pair"), "-llz4", "-lxxhash", "-lpthread"], check=True)


def notices(mutation):
    """What the simulation says of it; None if it finds nothing wrong."""
    name, path, old, new = mutation
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for source in FOLDERS:
            shutil.copytree(source, folder / source)
        text = (folder / path).read_text()
        if text.count(old) != 1:
            sys.exit(f"{path}: what '{name}' changes is not there any more")
        (folder / path).write_text(text.replace(old, new))
        build(folder)
        run = subprocess.run([str(folder / "pair"), "1", str(SEEDS)], capture_output=True,
                             text=True, timeout=600, check=False)
    if run.returncode == 0:
        return None
    said = (run.stdout + run.stderr).strip().splitlines()
    return said[-1] if said else f"status {run.returncode}"


def main():
    failed = 0
    for mutation in MUTATIONS:
        what = notices(mutation)
        failed += what is None
        print(f"{'ok    ' if what else 'FAILED'} {mutation[0]}: {what or 'not noticed'}", flush=True)
    print(f"{len(MUTATIONS) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
