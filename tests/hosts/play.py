#!/usr/bin/env python3
# One emulated host on this terminal: its serial console is yours, Ctrl-A x switches it off.
# SPDX-License-Identifier: Apache-2.0

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import errors, image, machine, preconditions  # noqa: E402  (found through the line above)

GUIDE = """\
--- One emulated host: xen-core and a stock Debian 12 as its dom0 ---------------------------------
Log in as root with the password remus. Worth a look:
    xl info; xl list; xl vcpu-list      the host as Debian's own tools see it
    xl dmesg                            what the hypervisor had to say
    xentop                              who uses the CPUs (q ends it)
    poweroff                            ends the show; so does Ctrl-A x
---------------------------------------------------------------------------------------------------
"""


def arguments():
    parser = argparse.ArgumentParser(description="one emulated host on this terminal")
    parser.add_argument("--fast", action="store_true",
                        help="a root shell on a minimal init instead of systemd and a login")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--memory", type=int, default=2048, help="of the machine, in MiB")
    parser.add_argument("--dom0-memory", type=int, default=1024, help="in MiB")
    parser.add_argument("--hypervisor", choices=["xen-core", "xen", "none"], default="xen-core")
    parser.add_argument("--boot", choices=["kernel", "grub-bios", "grub-uefi"], default="kernel")
    parser.add_argument("--options", default="", help="more options for the hypervisor")
    parser.add_argument("--kernel-options", default="", help="more options for dom0's kernel")
    return parser.parse_args()


def settings_of(options):
    return machine.Settings(
        name="host", cpus=options.cpus, memory=options.memory, dom0_memory=options.dom0_memory,
        hypervisor=options.hypervisor, boot=options.boot, xen_options=options.options,
        init="rig-init" if options.fast else "systemd", shell=options.fast,
        toolstack=options.hypervisor != "none", kernel_options=options.kernel_options)


def main():
    options = arguments()
    preconditions.check()
    ready = image.ensure()
    if not options.fast:
        print(GUIDE)
    with tempfile.TemporaryDirectory(prefix="remus-host-") as name:
        folder = pathlib.Path(name)
        disk = folder / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                        ready.disk, disk], check=True)
        words = machine.base(settings_of(options), ready, folder, disk)
        words += ["-serial", "mon:stdio", "-nic", "user,model=virtio-net-pci"]
        return subprocess.run(words).returncode


if __name__ == "__main__":
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    try:
        sys.exit(main())
    except errors.RigError as error:
        sys.exit(f"play: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
