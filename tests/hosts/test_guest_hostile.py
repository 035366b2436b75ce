# Guests that misbehave (tests/guests): each does its worst, and nobody else notices.
# SPDX-License-Identifier: Apache-2.0
#
# A guest says on its console "guest: NAME: ok" once it got what it should from all it tried, or
# "guest: NAME: FAILED ..." for each surprise. Then it powers off, crashes or stays, as listed here.

import pathlib
import re
import time

from rig import TimedOut, test
from rig.guest_console import GuestConsole

ELFS = pathlib.Path(__file__).resolve().parents[2] / "build/guests"
MEMORY = 32  # MiB; tests/guests/balloon counts on it

# What becomes of a guest: "off" it ends by itself, "ends" by itself or as a crash, "stays".
GUESTS = {
    "smoke": "off", "user": "off", "privilege": "off", "junk": "off", "pointers": "off",
    "grants": "off", "ports": "off", "msrs": "off", "io": "off", "memory": "off", "apic": "off",
    "race": "off", "runstate": "off", "tables": "ends", "execute": "ends", "triple": "ends",
    "hlt": "off", "balloon": "ends", "init": "stays", "xapic": "off", "instructions": "off",
    "delivery": "ends", "illegal": "ends", "timers": "off", "unstarted": "ends", "reset": "off",
    "narrow": "off", "compat": "off",
    "checkpoint": "off", "watchdog": "off",
}
VCPUS = {"race": 2, "runstate": 2, "xapic": 2, "timers": 2, "unstarted": 2, "reset": 2}
SECONDS = 240

# Quick ones of different kinds, for every run of the tests.
FEW = ("smoke", "user", "pointers", "runstate", "triple", "xapic", "instructions", "narrow",
       "compat", "watchdog")


class Hostile:
    def __init__(self, host, name):
        self.host = host
        self.name = name
        self.console = GuestConsole(host, name)

    def create(self):
        self.host.push(ELFS / f"{self.name}.elf", f"/root/{self.name}.elf")
        config = (f'name = "{self.name}"\ntype = "pvh"\nkernel = "/root/{self.name}.elf"\n'
                  f'memory = {MEMORY}\nvcpus = {VCPUS.get(self.name, 1)}\n'
                  + "".join(f'on_{end} = "preserve"\n' for end in ("crash", "poweroff", "reboot", "watchdog")))
        self.host.run(f"cat >/root/{self.name}.cfg", stdin=config.encode())
        self.console.start_afresh()
        self.host.run(f"xl create -q /root/{self.name}.cfg", timeout=SECONDS)

    def state(self):
        """The letters of `xl list`: s for shut down, c for crashed."""
        row = self.host.out(f"xl list {self.name} | tail -1").split()
        return row[-2].replace("-", "")

    def wait_end(self, fate):
        deadline = time.monotonic() + SECONDS
        while fate != "stays":
            state = self.state()
            if "s" in state or "c" in state:
                assert fate != "off" or "c" not in state, f"{self.name}: crashed"
                return
            if time.monotonic() > deadline:
                raise TimedOut(f"{self.name}: did not end by itself: {state}")
            time.sleep(0.2)

    def destroy(self):
        """Ends it; what it was surprised by."""
        self.console.poll()
        self.host.run(f"xl destroy {self.name}", timeout=SECONDS)
        return re.findall(r"^guest: (.*FAILED.*)$", self.console.text, re.MULTILINE)

    def run(self, fate):
        """Its surprises, and the notes it left."""
        self.create()
        try:
            self.console.expect(rf"^guest: {self.name}: (ok|\d+ failures)$", SECONDS, failing=True)
            self.wait_end(fate)
            problems = []
        except (TimedOut, AssertionError) as problem:
            problems = [f"{self.name}: {problem}"]
        problems += self.destroy()
        return problems, re.findall(r"^guest: (.*) note (.*)$", self.console.text, re.MULTILINE)


def free_memory(host):
    return int(re.search(r"^free_memory\s*:\s*(\d+)", host.out("xl info"), re.MULTILINE)[1])


def campaign(lab, names):
    host = lab.boot(toolstack=True, memory=1536)
    problems = []
    free = None
    for name in names:
        found, notes = Hostile(host, name).run(GUESTS[name])
        problems += found
        for who, text in notes:
            lab.note(f"{who} {text}")
        host.check_alive()
        assert host.out("echo dom0 is there") == "dom0 is there"
        now = free_memory(host)
        if free is not None and now != free:
            problems.append(f"{name}: {free} MiB were free before, {now} MiB after")
        free = now
    assert not problems, "\n".join(problems)


@test(name="guest_hostile", names=GUESTS, timeout=1800, soak=True)
@test(name="guest_hostile_few", names=FEW, timeout=600)
def guest_hostile(lab, names):
    """Whatever a guest tries, the hypervisor, dom0 and the free memory are as before."""
    campaign(lab, names)


@test(timeout=600)
def guest_foreign(lab):
    """A guest that reaches for others' pages, ports and lives gets none; its neighbour goes on."""
    host = lab.boot(toolstack=True, memory=1536)
    neighbour = Hostile(host, "neighbour")
    neighbour.create()
    neighbour.console.expect(r"^guest: neighbour: note round 0$", SECONDS, failing=True)
    problems, _ = Hostile(host, "foreign").run("off")
    rounds = neighbour.console.text.count("note round")
    neighbour.console.expect(rf"^guest: neighbour: note round {rounds + 1}$", SECONDS, failing=True)
    problems += neighbour.destroy()
    host.check_alive()
    assert not problems, "\n".join(problems)
