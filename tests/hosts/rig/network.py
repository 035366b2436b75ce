# The network of a test: namespaces, a bridge for each link, a tap for each NIC, clients.
# SPDX-License-Identifier: Apache-2.0
#
#      client namespace                  lab namespace (QEMU runs here)
#     +----------------+      +------------------------------------------+
#     |  lan (veth) ---|------|--- bridge "lan" ---+--- tap --- NIC of a  |
#     |  10.66.0.1/24  |      |                    +--- tap --- NIC of b  |
#     +----------------+      |    bridge "repl" --+--- tap --- 2nd NIC   |
#                             +------------------------------------------+
#
# Link number L is 10.66.L.0/24; clients have addresses from .1, hosts from .11 upward.

import ctypes
import os
import subprocess
import threading

from .errors import CommandFailed, RigError
from .result import Result

FIRST_HOST = 11
CLONE_NEWNET = 0x40000000
NAMESPACES = "/run/netns"


def ip(*words, namespace=None):
    command = ["ip"] + (["-n", namespace] if namespace else []) + list(words)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RigError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")


def made_in(namespace, make):
    """What make() returns when it is called in that namespace, like a socket; only the thread that calls it goes there."""
    results = []

    def run():
        try:
            with open(os.path.join(NAMESPACES, namespace)) as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            results.append(make())
        except OSError as err:
            results.append(err)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(results[0], OSError):
        raise RigError(f"not made in {namespace}: {results[0]}")
    return results[0]


class Client:
    """A machine on the wire that is only a namespace: it has an address on each of its links."""

    def __init__(self, network, name, number, links):
        self.name = name
        self.namespace = network.create_namespace(name)
        self.addresses = {}
        for link in links:
            peer = f"{name}-{link}"[:15]
            ip("link", "add", peer, "type", "veth", "peer", "name", link,
               "netns", self.namespace, namespace=network.namespace)
            ip("link", "set", peer, "master", link, "up", namespace=network.namespace)
            self.addresses[link] = network.address(link, number)
            ip("address", "add", self.addresses[link] + "/24", "dev", link,
               namespace=self.namespace)
            ip("link", "set", link, "up", namespace=self.namespace)

    def run(self, command, check=True, timeout=60):
        """Run a shell command with this client's view of the network."""
        done = subprocess.run(["ip", "netns", "exec", self.namespace, "sh", "-c", command],
                              capture_output=True, text=True, timeout=timeout)
        result = Result(done.stdout, done.stderr, done.returncode)
        if check and result.status:
            raise CommandFailed(self.name, command, result)
        return result


class Network:
    def __init__(self, session):
        self.session = session
        self.namespace = self.create_namespace("lab")
        self.links = []  # names; the index of one is the third byte of its addresses
        self.clients = {}

    def create_namespace(self, name):
        full = f"remus-{self.session.id}-{name}"
        ip("netns", "add", full)
        ip("link", "set", "lo", "up", namespace=full)
        return full

    def add_link(self, link):
        if link in self.links:
            return
        ip("link", "add", link, "type", "bridge", namespace=self.namespace)
        ip("link", "set", link, "up", namespace=self.namespace)
        self.links.append(link)

    def address(self, link, number):
        return f"10.66.{self.links.index(link)}.{number}"

    def host_address(self, link, number):
        return self.address(link, FIRST_HOST + number)

    def add_tap(self, host, link):
        """A tap for the NIC of a host on a link; returns its name."""
        self.add_link(link)
        name = f"{host}-{link}"[:15]
        ip("tuntap", "add", "dev", name, "mode", "tap", namespace=self.namespace)
        ip("link", "set", name, "master", link, "up", namespace=self.namespace)
        return name

    def set_tap(self, tap, up):
        ip("link", "set", tap, "up" if up else "down", namespace=self.namespace)

    def client(self, name="client", links=("lan",)):
        """The client of that name, created at its first use."""
        if name not in self.clients:
            for link in links:
                self.add_link(link)
            self.clients[name] = Client(self, name, len(self.clients) + 1, links)
        return self.clients[name]
