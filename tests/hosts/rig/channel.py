# The rig's end of the command channel: sends requests to the agent in a host, sorts its answers.
# SPDX-License-Identifier: Apache-2.0
#
# The frames are described at the head of image/root/usr/lib/rig/agent. Requests may overlap; a
# reader thread hands each answer to the caller that waits for its id.

import json
import socket
import struct
import threading
import time

from .errors import RigError, TimedOut

CHUNK = 1 << 18  # bytes of a file per request


class Channel:
    def __init__(self, path, check_alive):
        """check_alive(ended) is called while waiting; it raises if the host gave up, or ended."""
        self.check_alive = check_alive
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = {}  # id -> (header, body)
        self.next_id = 1
        self.closed = False
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        stream = self.socket.makefile("rb")
        try:
            while True:
                (length,) = struct.unpack(">I", stream.read(4))
                header = json.loads(stream.read(length))
                body = stream.read(header["size"])
                with self.changed:
                    self.answers[header["id"]] = (header, body)
                    self.changed.notify_all()
        except (OSError, ValueError, struct.error):  # QEMU is gone, maybe amid a frame
            with self.changed:
                self.closed = True
                self.changed.notify_all()

    def _send(self, request, body):
        with self.changed:
            request["id"] = self.next_id
            self.next_id += 1
            request["size"] = len(body)
            text = json.dumps(request).encode()
            try:
                self.socket.sendall(struct.pack(">I", len(text)) + text + body)
            except OSError:
                self.closed = True
        return request["id"]

    def ask(self, wait, body=b"", **request):
        """Send a request, wait so many seconds for its answer: (header, body)."""
        what = request.get("command", request["op"])
        number = self._send(request, body)
        deadline = time.monotonic() + wait
        with self.changed:
            while number not in self.answers:
                self.check_alive(self.closed)
                if time.monotonic() > deadline:
                    raise TimedOut(f"no answer to `{what}` within {wait:.0f} s")
                self.changed.wait(0.2)
            header, answer = self.answers.pop(number)
        if "error" in header:
            raise RigError(header["error"])
        return header, answer

    def push(self, source, path, mode, timeout):
        with open(source, "rb") as file:
            offset = 0
            while True:
                chunk = file.read(CHUNK)
                self.ask(timeout, chunk, op="write", path=path, offset=offset, mode=mode)
                offset += len(chunk)
                if len(chunk) < CHUNK:
                    return

    def pull(self, path, target, timeout):
        with open(target, "wb") as file:
            while True:
                _, chunk = self.ask(timeout, op="read", path=path, offset=file.tell(),
                                    count=CHUNK)
                file.write(chunk)
                if len(chunk) < CHUNK:
                    return

    def close(self):
        self.socket.close()
