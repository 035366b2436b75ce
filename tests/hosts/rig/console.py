# The serial console of a host: logged, searched for failures, waited for, typed at.
# SPDX-License-Identifier: Apache-2.0

import re
import socket
import threading
import time

from .errors import HostFailed, TimedOut

# How the hypervisor, Debian's Xen and the Linux kernel say that they give up.
FAILURE = re.compile(r"^\W*(?:\(XEN\) )?(?:FATAL|PANIC): .*|.*Panic on CPU \d+.*"
                     r"|.*Kernel panic - not syncing.*", re.MULTILINE)
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>78])")


class Console:
    def __init__(self, name, path, log_path):
        self.name = name
        self.text = ""  # all that was printed, without \r and escape sequences
        self.failure = None  # the first line that matched FAILURE
        self.closed = False
        self.changed = threading.Condition()
        self._seen = 0  # expect() searches from here on
        self._checked = 0  # failures were looked for up to here, the start of a line
        self._start = time.monotonic()
        self._log = open(log_path, "w", errors="replace")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        pending = b""
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                data = b""
            # An escape sequence or a character may be cut in two: keep back what may go on.
            pending += data
            keep = re.search(rb"(?:\x1b[^A-Za-z]{0,8}|[\xc0-\xff][\x80-\xbf]{0,2})$", pending)
            end = keep.start() if keep and data else len(pending)
            self._add(pending[:end].decode(errors="replace"))
            pending = pending[end:]
            if not data:
                break
        with self.changed:
            self.closed = True
            self._look_for_failure(len(self.text))
            self._log.close()
            self.changed.notify_all()

    def _add(self, text):
        text = ESCAPES.sub("", text).replace("\r", "")
        with self.changed:
            now = time.monotonic() - self._start
            for part in text.splitlines(keepends=True):
                if not self.text or self.text.endswith("\n"):
                    self._log.write(f"{now:8.3f} ")
                self._log.write(part)
                self.text += part
            self._log.flush()
            self._look_for_failure(self.text.rfind("\n") + 1)
            self.changed.notify_all()

    def _look_for_failure(self, end):
        found = FAILURE.search(self.text, self._checked, end)
        if found and not self.failure:
            self.failure = found.group(0).strip()
        self._checked = max(self._checked, end)

    def check(self):
        """Raise HostFailed if the console has shown that the host gave up."""
        if self.failure:
            raise HostFailed(f"{self.name}: {self.failure}")

    def expect(self, pattern, timeout=60, failing=False):
        """Wait for a line-wise regex in what was printed since the last match; returns the match.

        A failure message ends the wait with HostFailed, unless failing says that the host is
        expected to fail (the wait may then be for lines that follow the message).
        """
        regex = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                match = regex.search(self.text, self._seen)
                if match:
                    self._seen = match.end()
                    return match
                if not failing:
                    self.check()
                if self.closed:
                    raise HostFailed(f"{self.name}: the host ended before the console showed "
                                     f"/{pattern}/")
                if time.monotonic() > deadline:
                    raise TimedOut(f"{self.name}: the console did not show /{pattern}/ within "
                                   f"{timeout:.0f} s")
                self.changed.wait(0.5)

    def send(self, text):
        """Type text; a newline is what the Enter key sends."""
        self._socket.sendall(text.replace("\n", "\r").encode())

    def tail(self, lines=30):
        with self.changed:
            return self.text.splitlines()[-lines:]

    def close(self):
        self._socket.close()
