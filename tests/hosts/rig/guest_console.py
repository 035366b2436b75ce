# The PV console of a guest, for the rig: read from xenconsoled's log, typed at through its pty.
# SPDX-License-Identifier: Apache-2.0
#
# xenconsoled logs all that guests print (image/root/usr/lib/rig/start-xen tells it to), whoever
# else reads the pty: an `xl console` beside us loses nothing and takes nothing away.

import base64
import re
import shlex
import threading
import time

from .console import ESCAPES
from .errors import HostFailed, RigError, TimedOut
from .result import Result

LOGS = "/var/log/xen/console"
POLL_SECONDS = 0.05
CHUNK = 1 << 18
PANIC = re.compile(r"^.*Kernel panic - not syncing.*$", re.MULTILINE)


class GuestConsole:
    def __init__(self, host, name):
        self.host = host
        self.name = name
        self.logged_as(name)
        self.text = ""  # all that was printed, without \r and escape sequences
        self._read = {}  # (host, log) -> bytes
        self._seen = 0  # expect() searches from here on
        self._started = 0  # where in text the present life of the guest begins
        self._commands = 0
        self._lock = threading.Lock()

    def logged_as(self, name):
        """By the name that the guest had when this host first saw it."""
        self.path = f"{LOGS}/guest-{name}.log"

    def poll(self):
        """Fetch what was printed meanwhile."""
        with self._lock:
            while True:
                try:
                    log = self.host, self.path
                    read = self._read.get(log, 0)
                    _, data = self.host.channel.ask(20, op="read", path=self.path,
                                                    offset=read, count=CHUNK)
                except RigError as error:
                    if "FileNotFoundError" not in str(error):
                        raise
                    return
                self._read[log] = read + len(data)
                self.text += ESCAPES.sub("", data.decode(errors="replace").replace("\r", ""))
                if len(data) < CHUNK:
                    return

    def start_afresh(self):
        """What was printed up to now is no longer waited for: a new domain begins."""
        self.poll()
        self._started = self._seen = len(self.text)

    def begins_anew(self, host):
        """That host was off, and may have lost the end of its log: it is written from the beginning, once a domain is there."""
        host.run(f"rm -f {self.path}")
        self._read.pop((host, self.path), None)
        self._started = self._seen = len(self.text)

    def tail(self, lines=12):
        return "\n".join(self.text.splitlines()[-lines:])

    def wait(self, regex, start, timeout, failing=False):
        """The first match of a compiled regex in the text from start on."""
        deadline = time.monotonic() + timeout
        while True:
            self.poll()
            match = regex.search(self.text, start)
            if match:
                return match
            panic = PANIC.search(self.text, self._started)
            if panic and not failing:
                raise HostFailed(f"guest {self.name}: {panic.group(0)}")
            if time.monotonic() > deadline:
                raise TimedOut(f"guest {self.name}: the console did not show /{regex.pattern}/ "
                               f"within {timeout:.0f} s; its last lines:\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def expect(self, pattern, timeout=60, failing=False):
        """Wait for a line-wise regex in what was printed since the last match; returns it."""
        match = self.wait(re.compile(pattern, re.MULTILINE), self._seen, timeout, failing)
        self._seen = match.end()
        return match

    def send(self, domid, text):
        """Type text. The pty is looked up each time: a new xenconsoled has new ones."""
        self.host.run(f"dd status=none oflag=noctty conv=notrunc "
                      f"of=$(xenstore-read /local/domain/{domid}/console/tty)",
                      stdin=text.encode())

    def command(self, domid, command, timeout):
        """Have the guest's agent run a shell command (see guest_image/.../guest-agent)."""
        with self._lock:
            self._commands += 1
            number = self._commands
        start = len(self.text)
        encoded = base64.b64encode(command.encode()).decode()
        self.send(domid, f"@{number} {encoded}\n")
        try:
            end = self.wait(re.compile(rf"^@rig {number} end (\d+)$", re.MULTILINE), start,
                            timeout)
        except TimedOut:
            raise TimedOut(f"guest {self.name}: {shlex.quote(command)} took more than "
                           f"{timeout:.0f} s; the console's last lines:\n{self.tail()}") from None
        answer = self.text[start:end.start()]
        status = int(end.group(1))
        return Result(self._part(answer, number, "out"), self._part(answer, number, "err"), status)

    def _part(self, answer, number, kind):
        lines = re.findall(rf"^@rig {number} {kind} (\S+)$", answer, re.MULTILINE)
        return base64.b64decode("".join(lines)).decode(errors="replace")
