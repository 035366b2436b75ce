#!/usr/bin/env python3
# Builds the dom0 image of the test hosts from Debian packages, once per set of inputs.
# SPDX-License-Identifier: Apache-2.0
#
# The image is a folder ${REMUS_CACHE:-/var/cache/remus}/image-<hash>/ holding
#   root.img  ext4, sparse      vmlinuz  Debian's kernel as it is
#   initrd    our own           xen      Debian's Xen, unpacked, to compare against

import gzip
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import debian  # noqa: E402  (found through the line above)
import initrd  # noqa: E402

XEN_PACKAGE = "xen-hypervisor-4.17-amd64"
VERSIONED = ["linux-image-amd64", "xen-utils-4.17", "systemd", XEN_PACKAGE]


def extract_debian_xen(work, output, log):
    work.mkdir()
    # apt drops its rights to a user that may not write here unless told otherwise.
    subprocess.run(["apt-get", "download", "-o", "APT::Sandbox::User=root", XEN_PACKAGE],
                   cwd=work, check=True, stdout=log, stderr=log)
    subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), work / "files"], check=True)
    with gzip.open(next((work / "files/boot").glob("xen-*.gz"))) as packed:
        output.write_bytes(packed.read())


def build(work, log):
    rootfs = work / "rootfs"
    out = work / "image"
    out.mkdir()
    with debian.step("installing packages"):
        debian.install_packages(debian.lines_of(HERE / "packages.txt"), rootfs, log)
    with debian.step("configuring, packing the initrd"):
        debian.configure(rootfs, HERE / "root")
        shutil.copy2(next((rootfs / "boot").glob("vmlinuz-*")), out / "vmlinuz")
        initrd.build(rootfs, HERE / "initrd-init", work / "initrd", out / "initrd")
        shutil.copy2(out / "initrd", rootfs / "boot/rig-initrd")
    with debian.step("unpacking Debian's Xen"):
        extract_debian_xen(work / "xen", out / "xen", log)
    with debian.step("writing the disk"):
        debian.make_disk(rootfs, out / "root.img")
    return out


def ensure():
    """The folder of the image, built first if it is not there yet."""
    return debian.ensure("image", debian.input_hash(debian.files_below(HERE), VERSIONED), build)


if __name__ == "__main__":
    debian.say(f"ready: {ensure()}")
