#!/usr/bin/env python3
# Builds what a 32-bit guest boots from: Debian's i386 kernel and busybox, nothing else of i386.
# SPDX-License-Identifier: Apache-2.0
#
# The image is a folder narrow-<hash>/ beside that of dom0 (see image/debian.py), holding
#   vmlinux        the PAE kernel, unpacked
#   tiny.initrd    as guest_image/ makes it; its programs of ours have 64 bits and are of no use here

import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
IMAGE, GUEST_IMAGE = HERE.parent / "image", HERE.parent / "guest_image"
sys.path[:0] = [str(IMAGE), str(HERE.parent)]
import debian  # noqa: E402  (found through the line above)
from rig import inputs  # noqa: E402

PACKAGES = ["busybox-static", "linux-image-686-pae"]
VERSIONED = ["busybox-static", "linux-image-amd64"]  # of the same sources; apt knows no i386 here


def guest_image():
    spec = importlib.util.spec_from_file_location("guest_image_build", GUEST_IMAGE / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unpack_packages(rootfs, log):
    """Their files alone: none of their scripts runs, and the initrd needs none. The release as it
    was first made is enough."""
    sources = [line for line in debian.apt_sources() if line.split()[2] == debian.RELEASE]
    command = ["mmdebstrap", "--mode=root", "--variant=extract", "--architectures=i386",
               "--format=directory", "--include=" + ",".join(PACKAGES), debian.RELEASE, str(rootfs)]
    if sources:
        command.append("-")
    result = subprocess.run(command, input="\n".join(sources), text=True, stdout=log, stderr=log)
    if result.returncode:
        raise SystemExit(f"image: mmdebstrap failed, see {log.name}")


def build(work, log):
    rootfs, out = work / "rootfs", work / "image"
    out.mkdir()
    with debian.step("fetching Debian's 32-bit kernel"):
        unpack_packages(rootfs, log)
    with debian.step("packing the 32-bit guest's initrd"):
        (modules,) = (rootfs / "lib/modules").iterdir()
        subprocess.run(["depmod", "-b", rootfs, modules.name], check=True, stdout=log, stderr=log)
        (kernel,) = (rootfs / "boot").glob("vmlinuz-*")
        (out / "vmlinux").write_bytes(inputs.unpacked(kernel))
        guest_image().make_tiny(rootfs, work / "tiny", out / "tiny.initrd")
    return out


def ensure():
    """The folder of the image, built first if it is not there yet."""
    files = [pathlib.Path(__file__).resolve(), IMAGE / "debian.py", IMAGE / "initrd.py",
             *debian.files_below(GUEST_IMAGE)]
    return debian.ensure("narrow", debian.input_hash(files, VERSIONED), build)


if __name__ == "__main__":
    debian.say(f"ready: {ensure()}")
