#!/usr/bin/env python3
# Runs the system tests on emulated hosts: run.py [--soak] [-j N] [list | PATTERN ...]
# SPDX-License-Identifier: Apache-2.0

import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import image, preconditions, registry, runner  # noqa: E402  (found through the line above)


def main():
    parser = argparse.ArgumentParser(description="system tests on emulated hosts")
    parser.add_argument("patterns", nargs="*", help="shell patterns on test names; `list` lists")
    parser.add_argument("--soak", action="store_true", help="the long campaigns too")
    parser.add_argument("-j", type=int, default=1, dest="parallel", help="tests at once")
    options = parser.parse_args()

    listing = options.patterns[:1] == ["list"]
    patterns = options.patterns[1:] if listing else options.patterns
    tests = registry.matching(registry.load(), patterns, options.soak or listing)
    if listing:
        for test in tests:
            print(test.name + (" (soak)" if test.soak else ""))
        return 0
    if not tests:
        print(f"no test matches {' '.join(patterns)}")
        print("0 passed, 0 failed")
        return 1
    preconditions.check()
    if any(not test.name.startswith("boot_") for test in tests):
        image.ensure_guest()  # so that no test's time is spent on it
    passed, failed = runner.run_all(tests, image.ensure(), options.parallel)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    sys.exit(main())
