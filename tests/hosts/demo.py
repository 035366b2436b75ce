#!/usr/bin/env python3
# The demonstration: an emulated host from power-on to `xl list`, told step by step.
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import errors, image, preconditions  # noqa: E402  (found through the line above)
from rig.lab import Lab  # noqa: E402

# What the console shows when a step has been reached, and how the step is called.
STEPS = (
    (r"xen-core \d.*", "xen-core runs on the bare (emulated) machine"),
    (r"\d+ CPUs online", "all CPUs are up"),
    (r"dom0: \d+ MiB.*", "dom0 is built, and entered"),
    (r"Linux version \S+", "Debian's own kernel starts as dom0"),
    (r"EXT4-fs \(vda\): mounted", "it has found its disk, a virtio device of the machine"),
    (r"systemd\[1\]: systemd \S+ running", "systemd takes over"),
    (r"^\S* ?login: ", "Debian's login prompt"),
)

COMMANDS = (
    ". /etc/os-release; echo $PRETTY_NAME, $(uname -r)",
    "xl info | grep -E '^(nr_cpus|virt_caps|total_memory|free_memory|xen_version|xen_caps)'",
    "xl dmesg | grep -F '(core)'",
    "xl vcpu-list",
    "xl list",
)

ON_TERMINAL = sys.stdout.isatty()
DIM, BOLD, PLAIN, CLEAR = ("\x1b[2m", "\x1b[1m", "\x1b[0m", "\r\x1b[K") if ON_TERMINAL else [""] * 4


def say(text=""):
    print(CLEAR + text, flush=True)


@contextlib.contextmanager
def watching(console, start):
    """Meanwhile the latest line of the console is shown below the steps, on a terminal."""
    ended = threading.Event()

    def show():
        while not ended.wait(0.2):
            width = shutil.get_terminal_size().columns - 12
            line = "".join((console.tail(1) or [""])[0].expandtabs().split("\n"))[:max(width, 0)]
            print(f"{CLEAR}{DIM}{time.monotonic() - start:7.1f} s  {line}{PLAIN}", end="", flush=True)

    thread = threading.Thread(target=show, daemon=True)
    if ON_TERMINAL:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if ON_TERMINAL:
            thread.join()
            print(CLEAR, end="", flush=True)


def boot(host):
    start = time.monotonic()
    say(f"{BOLD}Power on{PLAIN}: an emulated machine with two AMD CPUs, 1.5 GiB, a disk, a NIC")
    host.start()
    with watching(host.console, start):
        # On a terminal each line of these replaces what is shown of the console.
        for pattern, text in STEPS:
            host.console.expect(pattern, timeout=300)
            say(f"{time.monotonic() - start:7.1f} s  {text}")
        host.wait_boot()
        host.run("systemctl is-system-running --wait", check=False, timeout=120)
    say(f"{time.monotonic() - start:7.1f} s  xenstored and all other services are up")


def look_around(host):
    for command in COMMANDS:
        say(f"\n{BOLD}root@{host.name}:~# {command}{PLAIN}")
        say(host.run(command, timeout=120).out.rstrip())


def show():
    preconditions.check()
    ready = image.ensure()
    with tempfile.TemporaryDirectory(prefix="remus-demo-") as folder, \
            contextlib.closing(Lab(ready, pathlib.Path(folder))) as lab:
        host = lab.host("host", init="systemd")
        boot(host)
        look_around(host)
        say(f"\n{BOLD}root@{host.name}:~# poweroff{PLAIN}")
        host.power_off(timeout=120)
    say("The machine is off. `make host` gives you one of your own; `make help` the rest.")


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    try:
        show()
    except errors.RigError as error:
        sys.exit(f"{CLEAR}demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
