#!/usr/bin/env python3
# Counts up over a TCP connection to programs/steady for some seconds; each number must come back once, in order.
# SPDX-License-Identifier: Apache-2.0
#
# usage: stream.py ADDRESS SECONDS [STALL [FILE [PROGRESS]]]
#   ends early when there is that file; writes COUNT and the longest stall into PROGRESS, now and then;
#   prints "ok COUNT numbers, stalled SECONDS at most", or raises

import os
import socket
import struct
import sys
import time

WINDOW = 256  # numbers under way
PAUSE = 0.01


def exchange(connection, first):
    """Sends the next numbers and waits for them; returns the first that was not sent yet."""
    numbers = range(first, first + WINDOW)
    connection.sendall(struct.pack(f"<{WINDOW}Q", *numbers))
    answer = b""
    while len(answer) < WINDOW * 8:
        part = connection.recv(WINDOW * 8 - len(answer))
        if not part:
            raise ConnectionError(f"closed after {first} numbers")
        answer += part
    if struct.unpack(f"<{WINDOW}Q", answer) != tuple(numbers):
        raise ValueError(f"wrong numbers came back after {first}")
    return first + WINDOW


def connect(address):
    """A guest whose output is held may be slow even to say where it is: then there is no route to it at first."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return socket.create_connection((address, 7000), timeout=60)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def tell(path, count, longest):
    """Whole or not at all for who reads it."""
    with open(path + ".new", "w") as file:
        file.write(f"{count} {longest:.1f}")
    os.rename(path + ".new", path)


def main():
    address, seconds = sys.argv[1], float(sys.argv[2])
    connection = connect(address)
    connection.settimeout(float(sys.argv[3]) if len(sys.argv) > 3 else 120)
    end = time.monotonic() + seconds
    count, longest, begun = 0, 0.0, time.monotonic()
    while begun < end and not (len(sys.argv) > 4 and os.path.exists(sys.argv[4])):
        count = exchange(connection, count)
        longest = max(longest, time.monotonic() - begun)
        if len(sys.argv) > 5:
            tell(sys.argv[5], count, longest)
        time.sleep(PAUSE)
        begun = time.monotonic()
    print(f"ok {count} numbers, stalled {longest:.1f} s at most")


main()
