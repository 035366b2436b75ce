# One emulated host: started, talked to, cut off, killed.
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time

from . import dom0, machine
from .channel import Channel
from .console import Console
from .errors import CommandFailed, HostFailed, RigError, TimedOut
from .guest import Guest
from .qmp import Qmp
from .result import Result

START_SECONDS = 20  # for QEMU to open its sockets


class Host:
    """A host belongs to a lab, which kills it at the end of the test if nobody did before.

    Its disk is an overlay of the image that lasts for the test: a host that was powered off or
    killed can be started again and finds what it wrote.
    """

    def __init__(self, lab, settings):
        self.lab = lab
        self.name = settings.name
        self.settings = settings
        self.number = len(lab.hosts)
        self.folder = lab.folder / self.name
        self.folder.mkdir(parents=True)
        self.disk = self.folder / "disk.qcow2"
        self.taps = {link: lab.network.add_tap(self.name, link) for link in settings.nics}
        self.process = None
        self.starts = 0
        self.prepared = set()  # steps of dom0.py done since it was started
        self.preparing = threading.Lock()  # guests may be created by several threads
        self.console = self.channel = self.control = None

    # --- life ---

    def start(self):
        """Switch the host on. Returns as soon as its CPUs run."""
        if threading.current_thread() is not threading.main_thread():
            # QEMU is told to die with the thread that started it.
            raise RigError("a host is started from the main thread only")
        overlays = self._make_disks()
        self.prepared.clear()
        paths = {name: str(self.lab.session.folder / f"{self.name}.{name}")
                 for name in ("console", "agent", "qmp")}
        words = machine.base(self.settings, self.lab.image, self.folder, self.disk)
        words += machine.more_disks(self.settings, self.lab.image, overlays)
        words += machine.sockets(paths) + ["-S"]
        for number, tap in enumerate(self.taps.values()):
            words += machine.nic(self.settings, number, tap)
        (self.folder / "qemu.command").write_text(shlex.join(words) + "\n")

        self.starts += 1
        suffix = "" if self.starts == 1 else f"-{self.starts}"
        self.stderr = self.folder / f"qemu{suffix}.log"
        with open(self.stderr, "w") as stderr:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL",
                 "nsenter", f"--net=/run/netns/{self.lab.network.namespace}", *words],
                stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, start_new_session=True)
        self.control = self._connect(Qmp, paths["qmp"])
        self.console = self._connect(Console, self.name, paths["console"],
                                     self.folder / f"console{suffix}.log")
        self.channel = self._connect(Channel, paths["agent"], self.check_alive)
        self.control.command("cont")
        return self

    def _make_disks(self):
        """Create what is not there yet; returns the disks for guests."""
        self._make_overlay(self.disk, self.lab.image.disk)
        paths = []
        for number, kind in enumerate(self.settings.disks):
            paths.append(self.folder / f"guest-disk-{number}.qcow2")
            if kind == "debian":
                self._make_overlay(paths[-1], self.lab.image.guest_disk)
            elif not paths[-1].exists():
                subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", paths[-1], kind],
                               check=True)
        return paths

    def _make_overlay(self, path, base):
        if not path.exists():
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base,
                            path], check=True)

    def _connect(self, kind, *arguments):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return kind(*[str(item) if isinstance(item, os.PathLike) else item
                              for item in arguments])
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise HostFailed(f"{self.name}: QEMU did not start:\n"
                                     + self.stderr.read_text().strip()) from None
                time.sleep(0.02)

    def wait_boot(self, timeout=240):
        """Wait until the agent in dom0 answers, and give dom0 its addresses."""
        self.channel.ask(timeout, op="ping")
        commands = []
        for number, link in enumerate(self.settings.nics):
            commands.append(f"ip link set eth{number} up && "
                            f"ip address replace {self.address(link)}/24 dev eth{number}")
        if commands:
            self.run(" && ".join(commands))
        return self

    def check_alive(self, ended=False):
        """Raise HostFailed, in the host's own words if it has any, if it gave up or ended."""
        self.console.check()
        if ended:  # QEMU has closed a socket of ours: its end is a matter of moments
            self.wait_exit()
        if self.process.poll() is None:
            return
        with self.console.changed:
            self.console.changed.wait_for(lambda: self.console.closed, 5)
        self.console.check()
        reason = self.control.stop_reason() or f"QEMU status {self.process.returncode}"
        raise HostFailed(f"{self.name}: the host ended ({reason})")

    def wait_exit(self, timeout=60):
        """Wait until the host is off; returns why: guest-shutdown, guest-reset, ... or None."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{self.name}: still on after {timeout:.0f} s") from None
        return self.control.stop_reason()

    def power_off(self, timeout=60):
        """Shut dom0 down as its operator would; the host must be off in time."""
        command = "systemctl poweroff" if self.settings.init == "systemd" \
            else "sync; busybox poweroff -f"
        self.run(f"(sleep 0.2; {command}) >/dev/null 2>&1 &")
        reason = self.wait_exit(timeout)
        if reason != "guest-shutdown":
            raise HostFailed(f"{self.name}: meant to power off, but ended by {reason}")

    def kill(self):
        """The host dies at once, like by a cut of its power."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Freeze the whole machine."""
        self.process.send_signal(signal.SIGSTOP)

    def cont(self):
        """Let a frozen machine go on."""
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.kill()
        for end in (self.console, self.channel, self.control):
            if end:
                end.close()

    # --- wires ---

    def address(self, link="lan"):
        return self.lab.network.host_address(link, self.number)

    def cut(self, link="lan"):
        """The cable of that link is dead in both directions; the NIC does not notice."""
        self.lab.network.set_tap(self.taps[link], False)

    def restore(self, link="lan"):
        self.lab.network.set_tap(self.taps[link], True)

    def qmp(self, command, **arguments):
        return self.control.command(command, **arguments)

    def memory(self, start, size):
        """What the machine's memory holds now, by physical address, seen from outside."""
        path = self.folder / "memory"
        self.qmp("pmemsave", val=start, size=size, filename=str(path))
        content = path.read_bytes()
        path.unlink()
        return content

    # --- guests ---

    def guest(self, name, **settings):
        """A guest that is not created yet. For the settings see rig.guest.Guest."""
        return Guest(self, name, **settings)

    def disk_device(self, number):
        """Where dom0 sees the disk of that place in the setting `disks`."""
        return "/dev/vd" + "cdefgh"[number]

    def start_backends(self):
        dom0.once(self, dom0.start_backends)

    def record_registers(self, times=3):
        """Keeps what all CPUs are at, some moments apart: of a hang it shows where it is."""
        if not self.control or self.process.poll() is not None:
            return
        with open(self.folder / "registers.log", "w") as log, contextlib.suppress(RigError):
            for _ in range(times):
                log.write(self.qmp("human-monitor-command", **{"command-line": "info registers -a"}))
                time.sleep(0.2)

    # --- dom0 ---

    def run(self, command, check=True, timeout=60, stdin=b""):
        """Run a shell command in dom0. With check, a status other than 0 raises CommandFailed."""
        header, body = self.channel.ask(timeout + 20, stdin, op="run", command=command,
                                        timeout=timeout)
        split = header["out"]
        result = Result(body[:split].decode(errors="replace"),
                        body[split:].decode(errors="replace"), header["status"])
        if header["late"]:
            raise TimedOut(f"{self.name}: `{command}` took more than {timeout:.0f} s\n"
                           + (result.out + result.err)[-1500:])
        if check and result.status:
            raise CommandFailed(self.name, command, result)
        return result

    def out(self, command, **arguments):
        """The output of a command that must succeed, stripped."""
        return self.run(command, **arguments).out.strip()

    def clock(self):
        """CLOCK_MONOTONIC of dom0 in seconds."""
        return self.channel.ask(20, op="ping")[0]["clock"]

    def push(self, source, path, mode=0o644, timeout=60):
        """Copy a file of ours into dom0; timeout is for each part of it."""
        self.channel.push(source, path, mode, timeout)

    def pull(self, path, target, timeout=60):
        """Copy a file out of dom0."""
        self.channel.pull(path, target, timeout)
