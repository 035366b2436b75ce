#!/usr/bin/python3
# In dom0: holds a guest's output as its primary's worker would, without capturing anything.
# SPDX-License-Identifier: Apache-2.0
#
# usage: holder.py DOMID END      cut epochs; release them while there is a file /run/release; end when there is /run/enough.
#                                 END: free (let all pass) or die (go without a word)
#
# Prints what TAKE found, then sums, as "name value" lines.

import mmap
import os
import select
import socket
import struct
import sys
import time

VERSION = 5  # of replication/hold/door.h
MESSAGE = struct.Struct("=IIiIQQQII16s")
TAKE, HOLD, STOP, CUT, RELEASE, FREE = range(1, 7)
TAKEN, HELD, STOPPED, DONE, FREED, WANTED, REFUSED = 0x81, 0x82, 0x83, 0x84, 0x86, 0x87, 0x88
LOG_OFFSET, LOG_HEADER = 4096, 64
RECORD = struct.Struct("=IIQII")  # bytes, kind, epoch, length, reserved
WRITE = struct.Struct("=IIQQ")    # disk, reserved, sector, sectors
INTERVAL = 0.025


class Door:
    def __init__(self, domid):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(f"/run/remus/backend-{domid}.door")
        self.wanted = 0
        self.log = None

    def send(self, kind, epoch=0):
        self.socket.send(MESSAGE.pack(VERSION, kind, 0, 0, epoch, 0, 0, 0, 0, bytes(16)))

    def ask(self, kind, epoch, answer):
        self.send(kind, epoch)
        while True:
            data, fds, _, _ = socket.recv_fds(self.socket, MESSAGE.size, 1)
            if not data:
                sys.exit("the worker hung up")
            _, got, error, flags, number, head, tail, _, _, _ = MESSAGE.unpack(data)
            if got == WANTED:
                self.wanted += 1
            elif got == answer:
                if fds:
                    self.log = mmap.mmap(fds[0], 0, prot=mmap.PROT_READ)
                return flags, number, head, tail
            else:
                sys.exit(f"answer {got:#x} to {kind}: error {error}")

    def wait(self, seconds):
        """Until that time is over or something waits for the end of the epoch."""
        if select.select([self.socket], [], [], seconds)[0]:
            data = self.socket.recv(MESSAGE.size)
            if not data:
                sys.exit("the worker hung up")
            self.wanted += 1
            time.sleep(0.002)

    def count_writes(self, position, end):
        """Noted writes, and their sectors, between two positions of the log."""
        capacity = struct.unpack_from("=Q", self.log, LOG_OFFSET + 8)[0]
        writes = sectors = 0
        while position < end:
            at = LOG_OFFSET + LOG_HEADER + position % capacity
            size, kind = struct.unpack_from("=II", self.log, at)
            if kind == 1:
                writes += 1
                sectors += WRITE.unpack_from(self.log, at + RECORD.size)[3]
            position += size
        return writes, sectors


def main():
    domid, end = sys.argv[1:]
    door = Door(domid)
    flags, epoch, position, _ = door.ask(TAKE, 2, TAKEN)
    print(f"flags {flags}", flush=True)
    door.ask(HOLD, 0, HELD)
    print("held 1", flush=True)
    epochs = writes = sectors = 0
    longest = 0.0
    while not os.path.exists("/run/enough"):
        door.wait(INTERVAL)
        start = time.monotonic()
        door.ask(STOP, epoch, STOPPED)
        _, _, _, tail = door.ask(CUT, epoch, DONE)
        longest = max(longest, time.monotonic() - start)
        more = door.count_writes(position, tail)
        writes, sectors, position = writes + more[0], sectors + more[1], tail
        if os.path.exists("/run/release"):
            door.send(RELEASE, epoch)
        epoch += 1
        epochs += 1
    if end == "free":
        door.ask(FREE, 0, FREED)
    for name, value in (("epochs", epochs), ("wanted", door.wanted), ("writes", writes),
                        ("sectors", sectors), ("longest_ms", round(longest * 1000, 1))):
        print(name, value)


main()
