# One run of the rig: its name, its runtime folder, and the sweeping of what dead runs left behind.
# SPDX-License-Identifier: Apache-2.0
#
# A session owns /run/remus-rig/<id>/ and every network namespace called remus-<id>-*. It holds a
# lock in its folder for as long as it lives; a folder whose lock is free belongs to a run that
# was killed, and whoever starts next removes what it left. Processes of hosts live in the
# namespaces, so a namespace also says which processes belong to a session.

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess

RUNTIME = pathlib.Path("/run/remus-rig")


def try_lock(path):
    """An open, locked file, or None when another process holds it. Not inherited by children."""
    file = open(path, "a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def namespaces(session_id):
    out = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    names = [line.split()[0] for line in out.splitlines() if line.strip()]
    return [name for name in names if name.startswith(f"remus-{session_id}-")]


def remove_namespace(name):
    pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout
    for pid in pids.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)


def clean(session_id):
    for name in namespaces(session_id):
        remove_namespace(name)
    shutil.rmtree(RUNTIME / session_id, ignore_errors=True)


def sweep():
    """Remove what killed runs left. Called with the global lock held."""
    for folder in RUNTIME.iterdir():
        if not folder.is_dir():
            continue
        lock = try_lock(folder / "lock")
        if lock:
            clean(folder.name)
            lock.close()


class Session:
    def __init__(self):
        self.id = str(os.getpid())
        self.folder = RUNTIME / self.id
        RUNTIME.mkdir(exist_ok=True)
        # The global lock keeps a sweeper from meeting a folder that is not locked yet.
        with open(RUNTIME / "global.lock", "w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            sweep()
            self.folder.mkdir()
            self.lock = try_lock(self.folder / "lock")

    def close(self):
        clean(self.id)
        self.lock.close()
