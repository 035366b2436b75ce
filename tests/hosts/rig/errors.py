# What can go wrong, as exceptions; their text is what the reader of a failed test sees first.
# SPDX-License-Identifier: Apache-2.0


class RigError(Exception):
    """The rig itself cannot do what it was asked: something is missing or was refused."""


class TimedOut(RigError):
    """Something awaited did not come in time."""


class HostFailed(RigError):
    """A host gave up: a fatal message or panic on its console, or QEMU ended unasked."""


class CommandFailed(RigError):
    """A command that was meant to succeed in a host did not."""

    def __init__(self, where, command, result):
        self.result = result
        text = f"{where}: `{command}` ended with status {result.status}"
        for name, content in (("out", result.out), ("err", result.err)):
            if content.strip():
                text += f"\n  {name}: " + content.strip()[-1500:].replace("\n", "\n       ")
        super().__init__(text)
