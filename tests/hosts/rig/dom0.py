# What guests need of dom0: files, a bridge, back ends; and what of them can be seen from there.
# SPDX-License-Identifier: Apache-2.0
#
# Each step of preparation is done once per start of a host, when the first guest asks for it.

import os
import pathlib
import subprocess
import time
from typing import NamedTuple

from . import programs
from .errors import RigError
from .machine import ROOT

BRIDGE = "xenbr0"
GUEST_FILES = "/srv/guest"
FILES_DEVICE = "/dev/vdb"
PROGRAMS = "/usr/local/sbin"
BACKENDS_LOG = "/var/log/remusd.log"
XEN_LIBRARIES = ["-lxenctrl", "-lxencall", "-lxenforeignmemory", "-lxengnttab", "-lxenevtchn",
                 "-lxendevicemodel", "-lxentoollog", "-lxentoolcore"]

POOLED_FRAMES = 64
# The stock hotplug scripts take seconds in an emulator, and in a PV dom0 come close to libxl's timeout. These do the
# same in fewer processes; the one for disks is for block devices only.
QUICK_SCRIPTS = {
    "quick-block": """#!/bin/busybox sh
[ "$1" = add ] || exit 0
path=$(xenstore-read "$XENBUS_PATH/params")
xenstore-write "$XENBUS_PATH/physical-device-path" "$path" "$XENBUS_PATH/physical-device" \
"$(busybox stat -L -c %t:%T "$path")" "$XENBUS_PATH/hotplug-status" connected
""",
    "quick-vif": """#!/bin/busybox sh
[ "$1" = online ] || exit 0
ip link set "$vif" master xenbr0 up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""}

# What a guest leaves when it is not taken away in full: a command each, whose lines are compared.
TRACES = {
    "xenstore": "for d in /local/domain /vm /libxl /local/domain/0/backend/vif "
                "/local/domain/0/backend/vbd /local/domain/0/backend/console; do "
                "xenstore-list $d 2>/dev/null | sed \"s|^|$d/|\"; done; true",
    "network devices": f"ls --ignore={BRIDGE} /sys/class/net",
    "loop devices": "losetup --all --noheadings --output BACK-FILE",
    "processes": "pgrep -a '^(xl|qemu|block|vif|remus-backend)' || true",
}


class Domains(NamedTuple):
    """What the hypervisor says of memory, in frames, and of CPU time, in nanoseconds."""
    clock: int  # dom0's, when it said so
    free: int
    frames: dict  # domid -> frames it owns
    cpu: dict  # domid -> CPU time it had


def mount_files(host):
    if not host.settings.guests:
        raise RigError(f"{host.name}: boot it with guests=True to create guests on it")
    host.run(f"mkdir -p {GUEST_FILES} && mount -o ro {FILES_DEVICE} {GUEST_FILES}")


def make_bridge(host):
    """The bridge takes over eth0 and its address; it does not wait to learn who is where."""
    host.run(f"ip link add {BRIDGE} type bridge forward_delay 0 && "
             f"ip link set eth0 master {BRIDGE} && ip address flush dev eth0 && "
             f"ip link set {BRIDGE} up && "
             f"ip address add {host.address('lan')}/24 dev {BRIDGE}")


def start_backends(host):
    """What serves the guests' disks and NICs: the kernel's on Debian's Xen, ours on xen-core."""
    if host.settings.hypervisor == "xen":
        host.run("modprobe -a xen-netback xen-blkback loop")
        return
    install(host)
    host.run("modprobe -a tun loop")
    start_daemon(host)


def start_daemon(host):
    """Also after it has died, as its unit would."""
    host.run(f"setsid remusd </dev/null >>{BACKENDS_LOG} 2>&1 &")


def install(host):
    """What `make install` lays out, laid over the host's files."""
    tree = pathlib.Path(os.environ.get("REMUS_HOST_TREE", ROOT / "build/host"))
    if not (tree / "usr/sbin/remusd").exists():
        raise RigError(f"{tree} is no installed tree: run `make install DESTDIR={tree}` first")
    packed = host.folder / "tree.tar.gz"
    subprocess.run(["tar", "-C", tree, "--owner=0", "--group=0", "--exclude=./boot", "-czf", packed, "."],
                   check=True)
    host.push(packed, "/run/tree.tar.gz")
    host.run("tar -C / -xzf /run/tree.tar.gz --keep-directory-symlink && rm /run/tree.tar.gz")


def add_quick_scripts(host):
    for name, text in QUICK_SCRIPTS.items():
        host.run(f"cat >/etc/xen/scripts/{name} && chmod +x /etc/xen/scripts/{name}", stdin=text.encode())


def push_domains(host):
    host.push(programs.program(host.lab, "domains", *XEN_LIBRARIES),
              f"{PROGRAMS}/domains", 0o755)


def once(host, step):
    with host.preparing:
        if step not in host.prepared:
            step(host)
            host.prepared.add(step)


def prepare(host, disks, nics):
    once(host, mount_files)
    if nics:
        once(host, make_bridge)
    if disks or nics:
        once(host, start_backends)


def domains(host):
    once(host, push_domains)
    lines = host.out("domains").splitlines()
    (clock, free), *rows = [[int(word) for word in line.split()] for line in lines]
    return Domains(clock, free, {domid: frames for domid, frames, _ in rows},
                   {domid: cpu for domid, _, cpu in rows})


def frames_lost(host, before, timeout=20):
    """How many frames fewer than before are free. Debian's Xen keeps a few in pools of its own, so
    only xen-core is waited for, and held, to the very frame."""
    deadline = time.monotonic() + timeout
    while True:
        lost = before - domains(host).free
        if abs(lost) <= (POOLED_FRAMES if host.settings.hypervisor == "xen" else 0):
            return 0
        if time.monotonic() > deadline:
            return lost
        time.sleep(0.5)


def traces(host):
    """All that guests have in dom0 just now."""
    return {name: sorted(host.out(command).splitlines()) for name, command in TRACES.items()}


def wait_traces(host, before, timeout=20):
    """Wait until dom0 has what it had before; AssertionError says what is left over or missing."""
    deadline = time.monotonic() + timeout
    while True:
        now = traces(host)
        if now == before:
            return
        if time.monotonic() > deadline:
            changed = {name: sorted(set(now[name]) ^ set(before[name])) for name in now
                       if now[name] != before[name]}
            raise AssertionError(f"not as before: {changed}")
        time.sleep(0.5)
