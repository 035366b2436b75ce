# What hosts' power hangs on, as a management board would be: fence agents in dom0 reach it over the network.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of b: fence_remus_qmp ---- TCP, on a client of the lab ----> Power ---- QMP ----> QEMU of a
#
# One line "ACTION HOST" a connection, one line back: "on", "off", or "error WHY". Switching on is not offered: a host is
# started by the test's main thread.

import socket
import threading

from .network import made_in

PORT = 7623
PATIENCE = 2  # s for a QEMU that may stand still; then it is killed


class Power:
    def __init__(self, lab, client, link="lan"):
        self.hosts = lab.hosts
        self.address = client.addresses[link]
        self.is_dead = False  # the board answers nobody: agents fail
        self.asked = []       # (action, host) of each line
        self._listener = made_in(client.namespace, lambda: socket.create_server(("", PORT)))
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
