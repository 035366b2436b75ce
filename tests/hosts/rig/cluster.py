# Corosync on emulated hosts. The third vote is a host that is only a network namespace, or a quorum device in one.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a: corosync --- repl, lan --- corosync: dom0 of b
#                     `------ repl, lan --- corosync, or corosync-qnetd: namespace "c"

import secrets
import subprocess
import sys
import time

from .errors import RigError
from .machine import ROOT

sys.path.insert(0, str(ROOT / "tests/cluster"))
from example import configured  # noqa: E402  (found through the line above)

STRETCH = 5  # what Corosync's times are multiplied by: an emulated host stands still for a second now and then
DEVICE_STRETCH = 2
LOG = "/var/log/corosync.log"
FOLDERS = ("/run", "/var/lib/corosync", "/etc/corosync", "/dev/shm")


class Third:
    """A machine with a vote: its daemons see folders of its own."""

    def __init__(self, lab, client):
        self.client = client
        self.folder = lab.folder / "third"
        (self.folder / "etc").mkdir(parents=True)

    def start(self, command):
        mounts = " && ".join(f"mount -t tmpfs none {folder}" for folder in FOLDERS)
        script = f"{mounts} && cp -r {self.folder}/etc/. /etc/corosync && {command}"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", self.client.namespace, "sh", "-ec", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    def __init__(self, lab, hosts, has_device=False):
        self.has_device = has_device
        self.third = Third(lab, lab.client("c", links=("lan", "repl")))
        machines = [host.address for host in hosts] + [self.third.client.addresses.get]
        addresses = {n: [address(link) for link in ("repl", "lan")] for n, address in enumerate(machines, 1)}
        template = "corosync-2-hosts-qdevice.conf" if has_device else "corosync-3-hosts.conf"
        text = configured(template, addresses, device=addresses[3][1], stretch=STRETCH, device_stretch=DEVICE_STRETCH,
                          is_secret=False)
        key = secrets.token_bytes(256)
        (self.third.folder / "etc/corosync.conf").write_text(text)
        (self.third.folder / "etc/authkey").write_bytes(key)
        self.start_third()
        for host in hosts:
            host.run("cat >/etc/corosync/corosync.conf", stdin=text.encode())
            host.run("cat >/etc/corosync/authkey && chmod 400 /etc/corosync/authkey", stdin=key)
            self.start(host)

    def start_third(self):
        """Also after third.kill()."""
        self.third.start("mkdir -p /run/corosync-qnetd /etc/corosync/qnetd && exec corosync-qnetd -f -s off -m 8"
                         if self.has_device else "exec corosync -f")

    def start(self, host):
        """Also after the host was off."""
        host.run(f"setsid corosync -f </dev/null >>{LOG} 2>&1 &")
        if self.has_device:
            host.run("mkdir -p /run/corosync-qdevice /etc/corosync/qdevice/net; "
                     "for i in $(seq 150); do corosync-cmapctl >/dev/null 2>&1 && break; sleep 0.2; done; "
                     f"setsid corosync-qdevice -f </dev/null >>{LOG} 2>&1 &", timeout=90)

    def wait_votes(self, host, votes=3, timeout=120):
        """The host has quorum, of so many votes."""
        deadline = time.monotonic() + timeout
        while True:
            told = host.run("corosync-quorumtool -s", check=False).out
            if f"Total votes:      {votes}\n" in told and "Quorate:          Yes" in told:
                return
            if time.monotonic() > deadline:
                raise RigError(f"{host.name} has not {votes} votes: {told}\n" + host.out(f"tail -20 {LOG}"))
            time.sleep(0.5)
