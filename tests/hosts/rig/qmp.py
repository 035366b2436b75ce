# QEMU's control socket: commands, and the events that say why a machine stopped.
# SPDX-License-Identifier: Apache-2.0

import json
import queue
import socket
import threading

from .errors import HostFailed, RigError, TimedOut


class Qmp:
    def __init__(self, path):
        self.events = []  # as QEMU sent them
        self.ended = threading.Event()
        self._answers = queue.Queue()
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        threading.Thread(target=self._read, daemon=True).start()
        self.command("qmp_capabilities")

    def _read(self):
        try:
            for line in self._socket.makefile("r"):
                message = json.loads(line)
                if "event" in message:
                    self.events.append(message)
                elif "QMP" not in message:
                    self._answers.put(message)
        except (OSError, ValueError):
            pass
        self.ended.set()
        self._answers.put(None)

    def command(self, name, timeout=20, **arguments):
        with self._lock:
            request = {"execute": name, "arguments": arguments}
            try:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
                answer = self._answers.get(timeout=timeout)
            except queue.Empty:
                raise TimedOut(f"QEMU did not answer {name}") from None
            except OSError:
                answer = None
        if answer is None:
            raise HostFailed(f"QEMU ended before it answered {name}")
        if "error" in answer:
            raise RigError(f"QEMU refused {name}: {answer['error']['desc']}")
        return answer["return"]

    def stop_reason(self):
        """Why the machine stopped (guest-shutdown, guest-reset, ...), or None if unknown."""
        self.ended.wait(5)
        for event in self.events:
            if event["event"] == "SHUTDOWN":
                return event["data"]["reason"]
        return None

    def close(self):
        self._socket.close()
