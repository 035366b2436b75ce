# One guest of an emulated host: made and managed with xl, commanded over its PV console.
# SPDX-License-Identifier: Apache-2.0
#
#     client (10.66.0.1) ---- lan ---- eth0 of dom0 -- bridge xenbr0 -- vif -- eth0 of the guest
#
# The n-th guest of a lab has 10.66.0.(100+n). Two kinds, both with Debian's unmodified kernel as
# PVH: `tiny` lives in its initrd (busybox and programs/wake), `debian` boots systemd from its first
# disk. Everything that reaches into a guest goes over hvc0, so it needs no device at all.

import json
import re
import time
from typing import NamedTuple

from . import dom0
from .errors import CommandFailed, TimedOut
from .guest_console import GuestConsole

FIRST_ADDRESS = 101
KERNEL = f"{dom0.GUEST_FILES}/vmlinux"
COMMAND_LINES = {"tiny": "console=hvc0 loglevel=5",
                 "debian": "console=hvc0 loglevel=5 root=/dev/xvda net.ifnames=0 "
                           "systemd.show_status=0"}
BOOT_SECONDS = {"tiny": 240, "debian": 1200}


class Row(NamedTuple):
    """A line of `xl list`."""
    domid: int
    memory: int  # MiB
    vcpus: int
    state: str  # of rbpscd: running, blocked, paused, shut down, crashed, dying
    seconds: float  # of CPU time


class Guest:
    """A guest that is described; create() makes it. Options are added to, or replace, those of its
    xl configuration: on_crash="preserve", cpus="0", pool=...; None leaves one out. disks are in xl's
    notation. vif_script replaces the stock hotplug script."""

    def __init__(self, host, name, kind="tiny", vcpus=1, memory=128, disks=(), nics=0,
                 kernel_options="", vif_script="vif-bridge", **options):
        self.host = host
        self.name = name
        self.kind = kind
        host.lab.guests.append(self)
        number = len(host.lab.guests)
        self.console = GuestConsole(host, name)
        self.address = host.lab.network.address("lan", FIRST_ADDRESS - 1 + number) if nics else None
        self.macs = [f"00:16:3e:66:{nic:02x}:{number:02x}" for nic in range(nics)]
        self.config = {
            "name": name, "type": "pvh", "kernel": KERNEL,
            "ramdisk": f"{dom0.GUEST_FILES}/{kind}.initrd",
            "cmdline": " ".join([COMMAND_LINES[kind], f"rig.name={name}",
                                 f"rig.ip={self.address}/24" if nics else "",
                                 kernel_options]).strip(),
            "vcpus": vcpus, "memory": memory, "disk": list(disks), "tsc_mode": "native",
            "vif": [f"bridge={dom0.BRIDGE},mac={mac},script={vif_script}" for mac in self.macs],
        } | options
        self._domid = None

    # --- life ---

    def describe(self, path):
        """Its xl configuration into a file of dom0, for somebody to create it."""
        self.console.start_afresh()
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in self.config.items()
                       if value is not None)
        self.host.run(f"cat >{path}", stdin=text.encode())

    def create(self, check=True, flags="", timeout=180):
        """xl create; returns its Result."""
        dom0.prepare(self.host, disks=bool(self.config["disk"]), nics=bool(self.config["vif"]))
        path = f"/run/{self.name}.cfg"
        self.describe(path)
        result = self.host.run(f"xl create {flags} {path}", check=check, timeout=timeout)
        self._domid = None
        return result

    def boot(self, **arguments):
        """create() and wait_boot(): a guest that answers."""
        self.create(**arguments)
        return self.wait_boot()

    def wait_boot(self, timeout=None):
        """Wait until the guest's agent listens: at first, and again after each reboot."""
        self.console.expect(r"^@rig ready$", timeout or BOOT_SECONDS[self.kind])
        self._domid = None
        return self

    def xl(self, command, arguments="", **options):
        """xl COMMAND GUEST ARGUMENTS in dom0."""
        return self.host.run(f"xl {command} {self.name} {arguments}".strip(), **options)

    def destroy(self):
        self.xl("destroy")

    def shutdown(self, timeout=60):
        """Ask the guest to power off and wait until xl has cleaned up after it."""
        self.xl("shutdown")
        self.wait_gone(timeout)

    def wait_gone(self, timeout=60):
        self.wait_until(lambda row: row is None, timeout, "is still there")

    def wait_until(self, wanted, timeout=30, complaint="did not become as wanted"):
        """Wait until a predicate holds of this guest's Row (None: there is no such guest)."""
        deadline = time.monotonic() + timeout
        while True:
            row = self.row()
            if wanted(row):
                return row
            if time.monotonic() > deadline:
                raise TimedOut(f"guest {self.name} {complaint} after {timeout:.0f} s: {row}")
            time.sleep(0.2)

    # --- what it looks like from dom0 ---

    def row(self):
        """This guest's line of `xl list`, or None when there is none."""
        result = self.host.run(f"xl list {self.name}", check=False)
        match = re.search(r"\s(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+([\d.]+)$", result.out.strip())
        if result.status or not match:
            return None
        return Row(int(match[1]), int(match[2]), int(match[3]), match[4], float(match[5]))

    @property
    def domid(self):
        """Its number since create() or the last wait_boot()."""
        if self._domid is None:
            self._domid = int(self.host.out(f"xl domid {self.name}"))
        return self._domid

    def moved(self, host=None, came_as=None):
        """It is another domain now: restored, migrated, perhaps to another host, where it first had
        another name."""
        self._domid = None
        self.host = self.console.host = host or self.host
        self.console.logged_as(came_as or self.name)

    def store(self, path):
        """A value below its home in xenstore."""
        return self.host.out(f"xenstore-read /local/domain/{self.domid}/{path}")

    # --- inside ---

    def run(self, command, check=True, timeout=60):
        """Run a shell command in the guest. With check, a status other than 0 raises."""
        result = self.console.command(self.domid, command, timeout)
        if check and result.status:
            raise CommandFailed(f"guest {self.name}", command, result)
        return result

    def out(self, command, **arguments):
        """The output of a command that must succeed, stripped."""
        return self.run(command, **arguments).out.strip()
