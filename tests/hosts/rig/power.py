# What hosts' power hangs on, as a management board would be: fence agents in dom0 reach it over the network.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of b: fence_remus_qmp ---- TCP, on a client of the lab ----> Power ---- QMP ----> QEMU of a
#
# One line "ACTION HOST" a connection, one line back: "on", "off", or "error WHY". Switching on is not offered: a host is
# started by the test's main thread.

import ctypes
import os
import socket
import threading

from .errors import RigError

PORT = 7623
CLONE_NEWNET = 0x40000000
NAMESPACES = "/run/netns"
PATIENCE = 2  # s for a QEMU that may stand still; then it is killed


def listen_in(namespace, port):
    """A socket of that namespace; only the thread that makes it goes there."""
    made = []

    def make():
        try:
            with open(os.path.join(NAMESPACES, namespace)) as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.create_server(("", port)))
        except OSError as err:
            made.append(err)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise RigError(f"no listener in {namespace}: {made[0]}")
    return made[0]


class Power:
    def __init__(self, lab, client, link="lan"):
        self.hosts = lab.hosts
        self.address = client.addresses[link]
        self.is_dead = False  # the board answers nobody: agents fail
        self.asked = []       # (action, host) of each line
        self._listener = listen_in(client.namespace, PORT)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def options(self, name):
        """The agent's options for that host."""
        return f"ip={self.address}\nipport={PORT}\nplug={name}\n"

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            action, _, name = connection.makefile().readline().strip().partition(" ")
            self.asked.append((action, name))
            if self.is_dead:
                return
            connection.sendall((self._do(action, name) + "\n").encode())

    def _do(self, action, name):
        host = self.hosts.get(name)
        if not host:
            return f"error no host {name}"
        if action == "off":
            self._put_off(host)
        elif action != "status":
            return f"error cannot {action}"
        return "on" if host.process and host.process.poll() is None else "off"

    def _put_off(self, host):
        if not host.process or host.process.poll() is not None:
            return
        try:
            host.control.command("quit", timeout=PATIENCE)
            host.process.wait(PATIENCE)
        except Exception:  # it hangs, or went while it was asked
            host.kill()
