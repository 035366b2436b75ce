# The switch between the hosts: who sends what a guest says, seen from outside of the hosts; and cuts of any kind.
# SPDX-License-Identifier: Apache-2.0
#
#     QEMU of a --- port a-lan ---+
#        ^             |  `- cut  | bridge "lan"
#        |        frames of the   |
#     QEMU of b --- guest's MAC --+        A frame is seen before a cut takes it away: it did leave the host.

import ctypes
import selectors
import socket
import struct
import subprocess
import threading

from .errors import RigError
from .network import made_in

ALL_FRAMES = 3          # ETH_P_ALL
OUTGOING = 4            # PACKET_OUTGOING: towards the host
ATTACH_FILTER = 26      # SO_ATTACH_FILTER
TIMESTAMP = 35          # SO_TIMESTAMPNS
HEADER = 64             # bytes of a frame that are read
LOAD_WORD, LOAD_HALF, JUMP_EQUAL, RETURN = 0x20, 0x28, 0x15, 0x06  # of classic BPF


def from_address(mac):
    """A program for the kernel that passes frames of that source alone."""
    number = int(mac.replace(":", ""), 16)
    steps = [(LOAD_WORD, 0, 0, 6), (JUMP_EQUAL, 0, 3, number >> 16),
             (LOAD_HALF, 0, 0, 10), (JUMP_EQUAL, 0, 1, number & 0xffff), (RETURN, 0, 0, HEADER), (RETURN, 0, 0, 0)]
    return ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps)), len(steps)


def listener(port, mac):
    program, steps = from_address(mac)
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    one.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, struct.pack("@HP", steps, ctypes.addressof(program)))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.setsockopt(socket.SOL_SOCKET, TIMESTAMP, 1)
    one.bind((port, ALL_FRAMES))
    one.setblocking(False)
    return one


class Witness:
    """Notes each frame of a guest that leaves one of these hosts: (time.time(), host's name), in order."""

    def __init__(self, lab, hosts, mac, link="lan"):
        self._frames = []
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        for host in hosts:
            port = host.taps[link]
            self._selector.register(made_in(lab.network.namespace, lambda: listener(port, mac)),
                                    selectors.EVENT_READ, host.name)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            for key, _ in self._selector.select():
                self._take(key.fileobj, key.data)

    def _take(self, port, name):
        try:
            _, ancillary, _, address = port.recvmsg(HEADER, 64)
        except OSError:  # the port has been taken down: told once, and it goes on when it is up
            return
        seconds, nanoseconds = struct.unpack("@qq", ancillary[0][2])
        if address[2] != OUTGOING:
            with self._lock:
                self._frames.append((seconds + nanoseconds / 1e9, name))

    def frames(self, since=0):
        with self._lock:
            return sorted(frame for frame in self._frames if frame[0] >= since)

    def owners(self, since=0):
        """Who sent, without repetitions: "ab" if b went on where a had ended, "aba" if a was heard once more."""
        names = ""
        for _, name in self.frames(since):
            if not names.endswith(name):
                names += name
        return names

    def first(self, name, since):
        """When that host's first frame since then left, or None."""
        return next((time for time, sender in self.frames(since) if sender == name), None)


class Cuts:
    """Frames that the switch takes away, until mend()."""

    def __init__(self, lab):
        self._namespace = lab.network.namespace
        self._chains = 0

    def _load(self, text):
        done = subprocess.run(["ip", "netns", "exec", self._namespace, "nft", "-f", "-"], input=text, text=True,
                              capture_output=True)
        if done.returncode:
            raise RigError(f"nft: {done.stderr.strip()}")

    def silence(self, *ports, what=""):
        """Of what these ports' hosts send: all, or what that match of nft's says."""
        self._add("ingress", ports, what)

    def deafen(self, *ports, what=""):
        """Of what is sent to these ports' hosts."""
        self._add("egress", ports, what)

    def _add(self, hook, ports, what):
        for port in ports:
            self._chains += 1
            self._load(f"table netdev cuts {{\nchain c{self._chains} {{\n"
                       f"type filter hook {hook} device \"{port}\" priority 0;\n{what} drop\n}}\n}}\n")

    def mend(self):
        self._load("table netdev cuts {\n}\ndelete table netdev cuts\n")
