# The list of tests: a decorator adds to it, the runner reads it.
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import fnmatch
import importlib
import pathlib
from typing import Callable

AREAS = ("boot", "guest", "checkpoint", "replicate", "failover", "operator", "bench")


@dataclasses.dataclass
class Test:
    name: str
    run: Callable  # called with a rig.lab.Lab
    timeout: float  # seconds, for all of the test
    soak: bool  # only run when long campaigns are asked for


ALL: list[Test] = []


def test(function=None, *, timeout=300, soak=False, name=None, **arguments):
    """Register a test. Stack it with different names and arguments to run one function in variants:

    @test(name="boot_shell_2cpu", cpus=2)
    def boot_shell(lab, cpus): ...
    """
    def register(function):
        title = name or function.__name__
        if title.split("_")[0] not in AREAS:
            raise ValueError(f"test {title}: the name must begin with one of {', '.join(AREAS)}")
        ALL.append(Test(title, lambda lab: function(lab, **arguments), timeout, soak))
        return function

    return register(function) if function else register


def load():
    """Import every test module beside the rig, which registers its tests."""
    for path in sorted(pathlib.Path(__file__).parents[1].glob("test_*.py")):
        importlib.import_module(path.stem)
    names = [item.name for item in ALL]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two tests are called {name}")
    return sorted(ALL, key=lambda item: (AREAS.index(item.name.split("_")[0]), item.name))


def matching(tests, patterns, soak):
    """Those whose name fits one of the shell patterns; soak tests only if wanted."""
    return [item for item in tests if soak or not item.soak
            if any(fnmatch.fnmatchcase(item.name, pattern) for pattern in patterns or ["*"])]
