# Runs tests, each in a process of its own, and reports on them.
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import json
import os
import shutil
import signal
import sys
import time
import traceback

from .errors import RigError, TimedOut
from .lab import Lab
from .machine import ROOT

FOLDER = ROOT / "build/tests"
GRACE_SECONDS = 60  # a test past its time gets this long to clean up before it is killed
CONSOLE_LINES = 30
DUMP_SECONDS = 2  # what a dying host prints after its failure message is worth having


@dataclasses.dataclass
class Report:
    passed: bool
    seconds: float = 0
    text: str = ""  # why it failed
    notes: list[str] = dataclasses.field(default_factory=list)


def describe(error):
    """What a reader of a failed test needs: our own errors speak for themselves."""
    frames = traceback.extract_tb(error.__traceback__)[2:]  # without this file and the registry
    if isinstance(error, (RigError, AssertionError)):
        frames = [frame for frame in frames if os.path.basename(frame.filename)[:5] == "test_"]
        text = str(error) or "an assertion failed"
    else:
        text = f"{type(error).__name__}: {error}"
    where = "".join(f"at {os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}\n"
                    for frame in frames)
    return where + text


def console_tails(lab):
    if any(host.console and host.console.failure for host in lab.hosts.values()):
        time.sleep(DUMP_SECONDS)
    parts = []
    for host in lab.hosts.values():
        host.record_registers()
        if host.console:
            lines = host.console.tail(CONSOLE_LINES)
            parts.append(f"--- last lines of {host.name}'s console ---\n" + "\n".join(lines))
    return "\n".join(parts)


def raise_timeout(_signal, _frame):
    raise TimedOut("the test took longer than it may")


def interrupt(_signal, _frame):
    """SIGINT and SIGTERM end a run once; further ones must not disturb the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def perform(test, image, folder):
    """Run a test in this process; whatever happens, its hosts and network are gone afterwards."""
    lab = Lab(image, folder)
    signal.signal(signal.SIGALRM, raise_timeout)
    signal.setitimer(signal.ITIMER_REAL, test.timeout)
    try:
        test.run(lab)
        return Report(True, notes=lab.notes)
    except (Exception, KeyboardInterrupt) as error:
        text = "interrupted" if isinstance(error, KeyboardInterrupt) else describe(error)
        return Report(False, text="\n".join([text, console_tails(lab)]).strip(), notes=lab.notes)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        lab.close()


class Running:
    """A test in a child process that sends its report through a pipe."""

    def __init__(self, test, image):
        self.test = test
        self.start = time.monotonic()
        self.folder = FOLDER / test.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.pipe, child_end = os.pipe()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            report = perform(test, image, self.folder)
            os.write(child_end, json.dumps(dataclasses.asdict(report)).encode())
            os._exit(0)
        os.close(child_end)

    def poll(self):
        """The report if the test has ended, else None."""
        seconds = time.monotonic() - self.start
        if seconds > self.test.timeout + GRACE_SECONDS:
            os.kill(self.pid, signal.SIGKILL)
        pid, _status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        with os.fdopen(self.pipe, "rb") as pipe:
            data = pipe.read()
        report = Report(**json.loads(data)) if data else Report(False, text="the test was killed")
        report.seconds = seconds
        self._tidy(report)
        return report

    def _tidy(self, report):
        if os.environ.get("KEEP") == "1":
            return
        if report.passed:
            shutil.rmtree(self.folder)
            return
        for pattern in ("*/*.qcow2", "*/host.iso"):
            for path in self.folder.glob(pattern):
                path.unlink()


def show(test, report, folder):
    print(f"{test.name:32} {'ok' if report.passed else 'FAILED':6} {report.seconds:7.1f} s",
          flush=True)
    for note in report.notes:
        print(f"    {note}")
    if not report.passed:
        print("    " + report.text.replace("\n", "\n    "))
        print(f"    logs: {folder}", flush=True)


def run_all(tests, image, parallel):
    """Run tests, at most so many at once; returns how many passed and how many failed."""
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    waiting, running = list(tests), []
    passed = failed = 0
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                running.append(Running(waiting.pop(0), image))
            for item in list(running):
                report = item.poll()
                if report:
                    running.remove(item)
                    show(item.test, report, item.folder)
                    passed += report.passed
                    failed += not report.passed
            time.sleep(0.05)
    except KeyboardInterrupt:
        for item in running:
            os.kill(item.pid, signal.SIGTERM)
        for item in running:
            os.waitpid(item.pid, 0)
        print("interrupted")
        failed += len(running)
    return passed, failed
