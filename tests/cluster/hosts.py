"""Hosts of a cluster that are only namespaces, each with a real Corosync, by the shipped configuration."""
# SPDX-License-Identifier: Apache-2.0
#
#     +-- switch --------------------------------------------------+
#     |   bridge "repl" 10.99.0.0/24       bridge "lan" 10.99.1.0/24
#     +------|-------------|---------------------|-------------|---+
#          a .1          b .2                  c .3         qnetd .9       each on both links
#
# A host dies by kill -9 of all its processes and hangs by SIGSTOP; its cables are taken down in the switch.

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from example import configured

LINKS = ("repl", "lan")
NUMBERS = {"a": 1, "b": 2, "c": 3, "q": 9}
WATCH = Path("build/cluster/watch").resolve()
PATIENCE = 60


# What corosync.conf's times are multiplied by, for machines that have other things to do: 1 tests the file as it is shipped.
STRETCH = int(os.environ.get("STRETCH", "4"))
PREFIX = "remus-cl"
SHARED = Path("/dev/shm")  # where Corosync and its clients meet: it leaves megabytes there when it is killed


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def remove_namespaces(prefix):
    """With what still runs in them, and the memory that it shared."""
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    for name in (line.split()[0] for line in names.splitlines() if line.strip()):
        if not name.startswith(prefix + "-"):
            continue
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout
        for pid in pids.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)
        shutil.rmtree(SHARED / name, ignore_errors=True)


def sweep():
    """What runs left that were killed."""
    for path in Path("/run/netns").glob(f"{PREFIX}-*"):
        run = "-".join(path.name.split("-")[:3])
        if not Path("/proc", run.split("-")[2]).exists():
            remove_namespaces(run)


def until(predicate, what, patience=PATIENCE):
    """The predicate's first true answer."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = predicate()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"not within {patience} s: {what}")


class View:
    """A line of watch.c."""

    def __init__(self, line):
        words = line.split()
        self.line = line
        self.ms = int(words[1])
        self.connected, self.quorum, self.decides = (
            words[2] == "connected", words[3] == "quorum", words[4] == "decides")
        fields = dict(word.split("=") for word in words[5:])
        self.lag = int(fields["lag"])
        self.anew = fields["anew"] == "1"
        for name in ("hosts", "daemons", "came", "went"):
            setattr(self, name, {int(n) for n in fields[name].split(",") if n})


class Host:
    def __init__(self, cluster, name):
        self.cluster, self.name, self.number = cluster, name, NUMBERS[name]
        self.namespace = f"{cluster.prefix}-{name}"
        self.folder = cluster.folder / name
        self.folder.mkdir()
        self.processes = {}
        self.lines = []
        ip("netns", "add", self.namespace)
        (SHARED / self.namespace).mkdir()
        ip("-n", self.namespace, "link", "set", "lo", "up")
        for third, link in enumerate(LINKS):
            ip("-n", cluster.switch, "link", "add", self.port(link), "type", "veth", "peer",
               "name", link, "netns", self.namespace)
            ip("-n", cluster.switch, "link", "set", self.port(link), "master", link, "up")
            ip("-n", self.namespace, "address", "add", f"10.99.{third}.{self.number}/24",
               "dev", link)
            ip("-n", self.namespace, "link", "set", link, "up")

    def port(self, link):
        return f"{link}-{self.name}"

    def inside(self, command):
        """In the host's network, with its own shared memory."""
        mount = f"mount --bind {SHARED / self.namespace} {SHARED}"
        return ["ip", "netns", "exec", self.namespace, "sh", "-ec", f"{mount} && {command}"]

    def start_program(self, name, command, **settings):
        """With folders for its state that are its own and go with it."""
        mounts = " && ".join(f"mount -t tmpfs none {folder}" for folder in
                             ("/run", "/var/lib/corosync", "/etc/corosync"))
        command = f"{mounts} && cp -r {self.folder}/etc/. /etc/corosync && {command}"
        log = open(self.folder / f"{name}.log", "ab")
        self.processes[name] = subprocess.Popen(
            self.inside(command), stderr=log, start_new_session=True, **({"stdout": log} | settings))
        return self.processes[name]

    def start_corosync(self):
        self.start_program("corosync", "exec corosync -f", stdin=subprocess.DEVNULL)

    def start_qdevice(self):
        self.start_program(
            "qdevice", "mkdir -p /run/corosync-qdevice /etc/corosync/qdevice/net && "
            "exec corosync-qdevice -f", stdin=subprocess.DEVNULL)

    def start_watch(self):
        process = self.start_program("watch", f"exec {WATCH}", stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, args=(process.stdout,), daemon=True).start()

    def read(self, stream):
        with open(self.folder / "watch.out", "a") as copy:
            for line in stream:
                self.lines.append(line.strip())
                copy.write(line)
                copy.flush()

    def say(self, line):
        self.processes["watch"].stdin.write(line + "\n")
        self.processes["watch"].stdin.flush()

    def signal(self, number, name=None):
        for one in [name] if name else list(self.processes):
            os.killpg(self.processes[one].pid, number)

    def kill(self, name=None):
        self.signal(signal.SIGKILL, name)
        for one in [name] if name else list(self.processes):
            self.processes.pop(one).wait()

    def die(self):
        """As by a power cut: nobody says goodbye for it."""
        self.cut()
        self.kill()

    def cable(self, state, links=LINKS):
        for link in links:
            ip("-n", self.cluster.switch, "link", "set", self.port(link), state)

    def cut(self, links=LINKS):
        self.cable("down", links)

    def restore(self, links=LINKS):
        self.cable("up", links)

    # --- what it has been told ---

    def views(self, since=0):
        return [View(line) for line in self.lines[since:] if line.startswith("view")]

    def words(self, since=0):
        return [line.split(maxsplit=2)[2] for line in self.lines[since:]
                if line.startswith("word")]

    def wait_view(self, what, predicate, since=0):
        """The first view since that line of which the predicate is true, not only the last."""
        return until(lambda: next((v for v in self.views(since) if predicate(v)), None),
                     f"host {self.name}: {what}; told: "
                     f"{[v.line for v in self.views(since)][-3:]}")

    def wait_members(self, numbers, since=0):
        wanted = set(numbers)
        return self.wait_view(f"quorum and remusd of {wanted}",
                              lambda v: v.quorum and v.daemons == wanted, since)


class Cluster:
    def __init__(self, folder, template, names, serial):
        self.folder = folder
        self.prefix = f"{PREFIX}-{os.getpid()}-{serial}"
        self.switch = f"{self.prefix}-switch"
        self.hosts = {}
        ip("netns", "add", self.switch)
        for link in LINKS:
            ip("-n", self.switch, "link", "add", link, "type", "bridge")
            ip("-n", self.switch, "link", "set", link, "up")
        for name in names:
            self.hosts[name] = Host(self, name)
        self.configure(template)

    def configure(self, template):
        addresses = {n: (f"10.99.0.{n}", f"10.99.1.{n}") for n in NUMBERS.values()}
        text = configured(template, addresses, device=f"10.99.1.{NUMBERS['q']}", stretch=STRETCH)
        key = secrets.token_bytes(256)
        for host in self.hosts.values():
            etc = host.folder / "etc"
            etc.mkdir()
            (etc / "corosync.conf").write_text(text)
            (etc / "authkey").write_bytes(key)

    def start(self, names):
        for name in names:
            self.hosts[name].restore()
            self.hosts[name].start_corosync()
            self.hosts[name].start_watch()

    def close(self):
        for host in self.hosts.values():
            host.kill()
        remove_namespaces(self.prefix)
