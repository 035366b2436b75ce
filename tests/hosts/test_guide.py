# The operations guide, from top to bottom: each of its blocks is run on the machine that it is for.
# SPDX-License-Identifier: Apache-2.0
#
#     admin: namespace, the source tree, ssh to the three
#         |--- a: guest `web`, remusd, corosync ==== repl ==== b: its copy, remusd, corosync
#         `--- c: namespace, corosync alone -----------'
#
# The hosts have the addresses that the guide has. What an emulated host lacks is stood in for by standins/: no systemd, no packages
# to be fetched, no sshd.

import contextlib
import json
import os
import shutil
import socketserver
import subprocess
import threading
import time

from rig import dom0, guide, test
from rig.errors import CommandFailed, HostFailed
from rig.machine import ROOT
from rig.result import Result
from test_replicate import give, streaming, wait_report

STANDINS = ROOT / "tests/hosts/standins"
PATIENCE = 1800  # s for one block
DISK = "/var/lib/remus/images/web.img"
NEWS = "/tmp/news"


class Namespace:
    """A machine that is a namespace: its commands see folders of its own in the place of some."""

    def __init__(self, lab, name, folders=(), **environment):
        self.name = name
        self.client = lab.client(name, links=("lan", "repl"))
        self.home = lab.folder / name
        self.mounts = ""
        for number, folder in enumerate(folders):
            own = self.home / str(number)
            own.mkdir(parents=True)
            self.mounts += f"mount --bind {own} {folder} && "
        (self.home / "bin").mkdir(parents=True)
        for standin in STANDINS.iterdir():
            shutil.copy(standin, self.home / "bin")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | {
            "HOME": str(self.home), "PATH": f"{self.home}/bin:{os.environ['PATH']}"} | environment

    def run(self, command, check=True, timeout=60, stdin=b""):
        done = subprocess.run(["ip", "netns", "exec", self.client.namespace, "sh", "-ec", self.mounts + command],
                              input=stdin, capture_output=True, timeout=timeout, cwd=ROOT, env=self.environment)
        result = Result(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), done.returncode)
        if check and result.status:
            raise CommandFailed(self.name, command, result)
        return result


@contextlib.contextmanager
def ssh_served(machines, path):
    """What the stand-in for ssh asks for."""

    class Order(socketserver.StreamRequestHandler):
        def handle(self):
            name, command, size = json.loads(self.rfile.readline())
            stdin = self.rfile.read(size)
            result = machines[name].run(command, check=False, timeout=300, stdin=stdin)
            self.wfile.write(json.dumps([result.out, result.err, result.status]).encode() + b"\n")

    with socketserver.ThreadingUnixStreamServer(path, Order) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def make_address(host, number):
    """Its operator has set up its network, as its distribution has it."""
    dom0.once(host, dom0.mount_files)
    dom0.once(host, dom0.make_bridge)
    host.run(f"ip address add 198.51.100.{number}/24 dev {dom0.BRIDGE} && ip address add 192.0.2.{number}/24 dev eth1")


def boot_hosts(lab):
    hosts = {name: lab.boot(name, nics=("lan", "repl"), guests=True, memory=2048, cpus=1) for name in "ab"}
    for number, host in enumerate(hosts.values(), 1):
        make_address(host, number)
        for name in ("apt-get", "systemctl", "update-grub"):
            host.push(STANDINS / name, f"/usr/local/sbin/{name}", 0o755)
        host.prepared.add(dom0.start_backends)  # the guide does
    return hosts


def make_third(lab):
    third = Namespace(lab, "c", folders=("/run", "/var/lib/corosync", "/etc/corosync"))
    third.run("ip address add 198.51.100.3/24 dev lan && ip address add 192.0.2.3/24 dev repl")
    return third


def run_block(machine, block):
    try:
        result = machine.run(f"set -e\n{block.commands}", timeout=PATIENCE)
    except HostFailed:
        if not block.dies:
            raise
        machine.kill()
        return ""
    assert not block.dies, f"{machine.name} is still there"
    return result.out


def power_on(host, number):
    host.start().wait_boot()
    make_address(host, number)
    host.run("systemctl boot")


def run_guide(lab, machines, guest, until_the_end):
    """Blocks in order. A client counts over one connection from before the death of a host on."""
    begun = time.monotonic()
    for block in guide.blocks(guide.PATH.read_text()):
        if block.dies:
            guest.run(f"echo 42 >{NEWS}; /tmp/steady 4 1 /tmp/report 1000 >/dev/null 2>&1 </dev/null &", timeout=300)
            until_the_end.enter_context(streaming(lab, guest))
            time.sleep(15)  # until its standby may take over
        for name in block.machines:
            if block.power_on:
                power_on(machines[name], 1 + "ab".index(name))
            out = run_block(machines[name], block)
            lab.note(f"{time.monotonic() - begun:6.0f} s  line {block.line} on {name}\n{out.rstrip()}")
        if "xl create" in block.commands:
            guest.wait_boot()
            give(lab, guest, "steady", "-lpthread")


@test(timeout=3600, soak=True)
def operator_guide(lab):
    """Each block of docs/operations.md does what it says, in order; the VM goes on on the other host, its client's connection kept."""
    path = lab.session.folder / "ssh"
    hosts = boot_hosts(lab)
    guest = hosts["a"].guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"])
    guest.describe("/etc/xen/web.cfg")
    machines = hosts | {"c": make_third(lab), "admin": Namespace(lab, "admin", RIG_SOCKET=str(path))}
    with ssh_served(machines, str(path)), contextlib.ExitStack() as until_the_end:
        run_guide(lab, machines, guest, until_the_end)
        guest.moved(host=hosts["b"])
        assert guest.out(f"cat {NEWS}", timeout=300) == "42"
        wait_report(guest)
