#!/usr/bin/env python3
# Runs a benchmark: run.py [NAME [--rounds N] [--write]]; without a name it lists them.
# SPDX-License-Identifier: Apache-2.0
#
# Nothing here passes or fails on a figure: the status says whether all could be measured.

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this folder: a bench is imported as bench.NAME
from bench import boot, checkpoint, encode, exits, guest, hosts, page, replicate, size  # noqa: E402  (found through the line above)
from rig import errors, image, preconditions, runner  # noqa: E402
from rig.lab import Lab  # noqa: E402

BENCHES = {"boot": boot, "checkpoint": checkpoint, "encode": encode, "exits": exits, "guest": guest,
           "replicate": replicate, "size": size}


class Bench(Lab):
    """The rig's laboratory, telling at once what a test would tell at its end."""

    def note(self, text):
        print(text, file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description="benchmarks; without a name, lists them")
    parser.add_argument("name", nargs="?", choices=BENCHES)
    parser.add_argument("--rounds", type=int, help="how often everything is measured")
    parser.add_argument("--write", action="store_true", help="put the result in docs/benchmarks.md")
    return parser.parse_args()


def pinned_image():
    """A copy of the hypervisor for all rounds: a build meanwhile must not change what is measured."""
    copy = hosts.ROOT / "build/bench/xen-core"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(os.environ.get("REMUS_XEN_CORE", size.IMAGE), copy)
    os.environ["REMUS_XEN_CORE"] = str(copy)
    return copy


def measure(name, rounds):
    bench = BENCHES[name]
    if not bench.ROUNDS:
        return bench.measure(None, rounds)
    preconditions.check()
    folder = hosts.ROOT / "build/bench/logs" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    image.ensure_guest()
    lab = Bench(image.ensure(), folder)
    try:
        return bench.measure(lab, rounds)
    finally:
        lab.close()


def main():
    options = arguments()
    if not options.name:
        for name, bench in BENCHES.items():
            print(f"{name:10} {bench.TITLE}")
        return 0
    rounds = options.rounds or BENCHES[options.name].ROUNDS
    load = os.getloadavg()[0]
    signal.signal(signal.SIGTERM, runner.interrupt)
    try:
        hypervisor = pinned_image()
        results = measure(options.name, rounds)
    except (errors.RigError, OSError, subprocess.CalledProcessError) as error:
        print(f"bench: {options.name} could not be measured: {error}", file=sys.stderr)
        return 1
    text = BENCHES[options.name].text(results) + "\n\n" + page.circumstances(
        hypervisor, rounds, load, is_native=hasattr(BENCHES[options.name], "NATIVE"))
    print(text)
    if options.write:
        page.write(options.name, text)
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
