# What the rig needs of the machine it runs on, said plainly before anything else goes wrong.
# SPDX-License-Identifier: Apache-2.0

import os
import shutil

from .machine import OVMF_CODE

# program -> Debian package
PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "ip": "iproute2",
            "mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "cpio": "cpio",
            "grub-mkrescue": "grub-common", "xorriso": "xorriso", "mformat": "mtools",
            "setpriv": "util-linux", "nsenter": "util-linux", "nft": "nftables"}
FILES = {"/usr/lib/grub/i386-pc": "grub-pc-bin", "/usr/lib/grub/x86_64-efi": "grub-efi-amd64-bin",
         OVMF_CODE: "ovmf"}


def check():
    """Exit with a message if something is missing."""
    if os.geteuid():
        raise SystemExit("rig: emulated hosts need root (network namespaces and taps)")
    if not os.path.exists("/dev/net/tun"):
        raise SystemExit("rig: /dev/net/tun is missing (modprobe tun, or give it to the container)")
    missing = {package for name, package in PROGRAMS.items() if not shutil.which(name)}
    missing |= {package for path, package in FILES.items() if not os.path.exists(path)}
    if missing:
        raise SystemExit(f"rig: install {' '.join(sorted(missing))} (or run `make deps`)")
