#!/usr/bin/env python3
# Builds what the guests of the test hosts boot from, once per set of inputs.
# SPDX-License-Identifier: Apache-2.0
#
# The image is a folder guest-<hash>/ beside that of dom0 (see image/debian.py), holding
#   files.img   ext4, what dom0 needs to create guests; the rig mounts it on /srv/guest there:
#                 vmlinuz        Debian's kernel as it is
#                 vmlinux        the same unpacked: libxenguest takes seconds for that, emulated
#                 tiny.initrd    busybox, front-end drivers, our programs: a whole guest in memory
#                 debian.initrd  reaches the disk, then hands over to systemd
#   debian.img  ext4, sparse: Debian with systemd, PostgreSQL and load generators
#   pgbench     PostgreSQL's own load generator, for clients outside; needs libpq5

import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
IMAGE = HERE.parent / "image"
sys.path[:0] = [str(IMAGE), str(HERE.parent)]
import debian  # noqa: E402  (found through the line above)
import initrd  # noqa: E402
from rig import inputs  # noqa: E402

VERSIONED = ["linux-image-amd64", "postgresql-15", "systemd"]
FRONTENDS = ["xen_blkfront", "xen_netfront"]
TINY_PROGRAMS = ["wake.c"]
PROGRAMS = HERE.parent / "programs"
AGENT = HERE / "root/usr/lib/rig/guest-agent"
FILES_SPARE_BYTES = 4 << 20


def make_tiny(rootfs, work, output):
    """Everything in the initrd: the kernel never looks for a disk."""
    for folder in ("bin", "sbin", "etc", "tmp", "run"):
        (work / folder).mkdir(parents=True)
    applets = subprocess.run([rootfs / "bin/busybox", "--list"], check=True,
                             capture_output=True, text=True).stdout.split()
    for name in applets:
        if name != "busybox":
            (work / "bin" / name).symlink_to("busybox")
    # The kernel runs these two when the toolstack asks for it; init is no help, it is our script.
    for name in ("poweroff", "reboot"):
        path = work / "sbin" / name
        path.write_text(f"#!/bin/sh\nexec /bin/{name} -f\n")
        path.chmod(0o755)
    shutil.copy2(AGENT, work / "bin/guest-agent")
    for name in TINY_PROGRAMS:
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                        "-o", work / "bin" / name.removesuffix(".c"), PROGRAMS / name], check=True)
    initrd.build(rootfs, HERE / "tiny-init", work, output, FRONTENDS)


def allow_clients(rootfs):
    """PostgreSQL listens to the network and trusts all who come from the lab's."""
    folder = next((rootfs / "etc/postgresql").iterdir()) / "main"
    with open(folder / "postgresql.conf", "a") as file:
        file.write("listen_addresses = '*'\n")
    with open(folder / "pg_hba.conf", "a") as file:
        file.write("host all all 10.66.0.0/16 trust\n")


def build(work, log):
    rootfs, out, files = work / "rootfs", work / "image", work / "files"
    out.mkdir()
    files.mkdir()
    with debian.step("installing the guest's packages"):
        debian.install_packages(debian.lines_of(HERE / "packages.txt"), rootfs, log)
    with debian.step("configuring the guest, packing its initrds"):
        debian.configure(rootfs, HERE / "root")
        allow_clients(rootfs)
        shutil.copy2(next((rootfs / "boot").glob("vmlinuz-*")), files / "vmlinuz")
        (files / "vmlinux").write_bytes(inputs.unpacked(files / "vmlinuz"))
        make_tiny(rootfs, work / "tiny", files / "tiny.initrd")
        initrd.build(rootfs, IMAGE / "initrd-init", work / "initrd", files / "debian.initrd",
                     FRONTENDS + ["crc32c_generic", "ext4"])
        shutil.copy2(next(rootfs.glob("usr/lib/postgresql/*/bin/pgbench")), out / "pgbench")
    with debian.step("writing the guest's disks"):
        debian.make_disk(files, out / "files.img", "guest", FILES_SPARE_BYTES)
        debian.make_disk(rootfs, out / "debian.img")
    return out


def ensure():
    """The folder of the image, built first if it is not there yet."""
    inputs = [path for folder in (HERE, IMAGE) for path in debian.files_below(folder)
              if IMAGE / "root" not in path.parents]
    inputs += [PROGRAMS / name for name in TINY_PROGRAMS]
    return debian.ensure("guest", debian.input_hash(inputs, VERSIONED), build)


if __name__ == "__main__":
    debian.say(f"ready: {ensure()}")
