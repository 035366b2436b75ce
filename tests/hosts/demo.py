#!/usr/bin/env python3
# The demonstration: a VM survives the death of its host, told step by step. --interactive: then both hosts are yours.
# SPDX-License-Identifier: Apache-2.0
#
#     client, which counts --- lan --- host a: VM `web` ==== repl ==== host b: its copy
#                                 `--- c: the third vote ----'

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from failover import boot_cluster, bring_back, wait_primary  # noqa: E402  (found through the line above)
from rig import errors, image, preconditions  # noqa: E402
from rig.lab import Lab  # noqa: E402
from test_protect import status  # noqa: E402
from test_replicate import DISK, STREAM, give  # noqa: E402

ON_TERMINAL = sys.stdout.isatty()
DIM, BOLD, GREEN, RED, PLAIN, CLEAR = (
    ("\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m", "\r\x1b[K") if ON_TERMINAL else [""] * 6)
START = time.monotonic()
PATIENCE = 600  # s for any one step


def say(text=""):
    print(CLEAR + text, flush=True)


def done(text):
    say(f"{time.monotonic() - START:7.1f} s  {text}")


class Counter:
    """The client: it counts over one TCP connection to the VM, from before the host's death until after it."""

    def __init__(self, lab, address):
        self.progress = lab.folder / "progress"
        self.enough = lab.folder / "enough"
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", lab.client().namespace, sys.executable, STREAM,
             address, "3600", "600", self.enough, self.progress],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @property
    def count(self):
        with contextlib.suppress(FileNotFoundError):
            return int(self.progress.read_text().split()[0])
        return 0

    def end(self):
        """What it says in the end: each number came back once, in order, or not."""
        self.enough.touch()
        words = self.process.communicate(timeout=PATIENCE)[0].strip()
        if self.process.returncode:
            raise errors.RigError(f"the client lost its connection: {words.splitlines()[-1]}")
        return words


@contextlib.contextmanager
def waiting(text, counter=None):
    """Meanwhile what is waited for is shown below the steps, with a clock, on a terminal."""
    ended = threading.Event()
    begun = time.monotonic()

    def show():
        while not ended.wait(0.2):
            count = f", the client has counted to {counter.count}" if counter else ""
            line = f"{text} ({time.monotonic() - begun:.0f} s{count})"
            width = max(shutil.get_terminal_size().columns - 12, 0)
            print(f"{CLEAR}{DIM}{time.monotonic() - START:7.1f} s  {line[:width]}{PLAIN}", end="", flush=True)

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


def command(host, words, timeout=PATIENCE):
    say(f"\n{BOLD}root@{host.name}:~# {words}{PLAIN}")
    result = host.run(words, check=False, timeout=timeout)
    say((result.out + result.err).rstrip())
    if result.status:
        raise errors.RigError(f"that ended with status {result.status}")


def wait_counting(counter, numbers=2000):
    goal = counter.count + numbers
    deadline = time.monotonic() + PATIENCE
    while counter.count < goal:
        if counter.process.poll() is not None:
            raise errors.RigError(counter.process.stdout.read().strip())
        if time.monotonic() > deadline:
            raise errors.RigError("the VM does not answer its client any more")
        time.sleep(0.2)


def wait_protected(primary, standby):
    deadline = time.monotonic() + PATIENCE
    while status(primary)["protection"] != "replicating" or status(standby)["protection"] != "ready":
        if time.monotonic() > deadline:
            raise errors.RigError(f"the VM is not protected: {status(primary)}")
        time.sleep(1)


def set_up(lab):
    with waiting("two emulated machines with AMD CPUs start xen-core, Debian as dom0, Corosync"):
        cluster, a, b = boot_cluster(lab)
    done("hosts a and b run xen-core and Debian, and have a quorum of three votes with c")
    with waiting("xl create: a stock Linux guest on a"):
        guest = a.guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"]).boot()
        give(lab, guest, "steady", "-lpthread")
        guest.run("/tmp/steady 4 1 /tmp/report 1000 >/dev/null 2>&1 </dev/null &")
    counter = Counter(lab, guest.address)
    wait_counting(counter)
    done(f"the VM `web` runs on a; a client counts over a TCP connection to it: {counter.count}")
    return cluster, a, b, guest, counter


def protect(a, b, counter):
    say(f"\n{BOLD}root@a:~# remusctl protect web --to b{PLAIN}")
    with waiting("the first copy", counter):
        say(a.run("remusctl protect web --to b", timeout=PATIENCE).out.rstrip())
        wait_protected(a, b)
    done(f"protected: all that leaves the VM waits until b has what led to it")
    command(a, "remusctl status web")


def fail_over(a, b, guest, counter):
    wait_counting(counter, 500)
    before = counter.count
    died = time.monotonic()
    a.kill()
    say()
    done(f"{RED}host a is dead{PLAIN} (kill -9 of the emulator); the client had counted to {before}")
    with waiting("nobody types anything", counter):
        wait_primary(b, timeout=PATIENCE)
        runs = time.monotonic() - died
        wait_counting(counter, 500)
        answers = time.monotonic() - died
    guest.moved(host=b)
    done(f"{GREEN}the VM runs on b{PLAIN}, by its arbiter's decision, {runs:.1f} s later; "
         f"the client counts on after {answers:.1f} s")
    command(b, "xl list")
    command(b, "remusctl events web")


def protect_again(cluster, a, b, counter):
    say()
    with waiting("a is switched on again", counter):
        bring_back(cluster, a)
        wait_protected(b, a)
    done("host a is back, has given up its old copy, and is the standby now: protected again")
    command(b, "remusctl list")
    command(a, "remusctl list")


def hand_over(a, b):
    """A prompt for each host: `a` and `b` change over."""
    hosts = {"a": a, "b": b}
    name = "b"
    say(f"\nBoth hosts are yours: `a` or `b` changes over, `exit` ends. Try: remusctl top --once; xl list; remusctl doctor")
    while True:
        try:
            words = input(f"{BOLD}root@{name}:~# {PLAIN}").strip()
        except EOFError:
            words = "exit"
        if words == "exit":
            return
        if words in hosts:
            name = words
        elif words:
            result = hosts[name].run(words, check=False, timeout=PATIENCE)
            print(result.out + result.err, end="")


def show(is_interactive):
    preconditions.check()
    ready = image.ensure()
    image.ensure_guest()
    with tempfile.TemporaryDirectory(prefix="remus-demo-") as folder, \
            contextlib.closing(Lab(ready, pathlib.Path(folder))) as lab:
        cluster, a, b, guest, counter = set_up(lab)
        protect(a, b, counter)
        fail_over(a, b, guest, counter)
        protect_again(cluster, a, b, counter)
        words = counter.end()
        say()
        done(f"the client, over one TCP connection all the while: {GREEN}{words}{PLAIN}")
        if is_interactive:
            hand_over(a, b)
    say("\nThat was `make demo`. `make demo INTERACTIVE=1` leaves you at both hosts; `make host` gives you one from power-on;"
        "\n`make help` has the rest.")


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    try:
        show("--interactive" in sys.argv[1:])
    except (errors.RigError, AssertionError) as error:
        sys.exit(f"{CLEAR}demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
