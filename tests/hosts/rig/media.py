# Boot media: a CD that boots the hypervisor through GRUB, from BIOS and UEFI alike.
# SPDX-License-Identifier: Apache-2.0

import shutil
import subprocess

from .errors import RigError

GRUB_CONFIG = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry "host" {{
	multiboot2 /boot/hypervisor {hypervisor}
	module2 /boot/vmlinuz {kernel}
	module2 /boot/initrd
}}
"""


def copy(source, target):
    shutil.copyfile(source, target)
    return target


def make_iso(settings, image, folder):
    """Write host.iso for the settings of a host into folder; returns its path."""
    boot = folder / "iso/boot"
    (boot / "grub").mkdir(parents=True)
    copy(settings.hypervisor_file(image), boot / "hypervisor")
    copy(settings.kernel_file(image), boot / "vmlinuz")
    copy(image.initrd, boot / "initrd")
    (boot / "grub/grub.cfg").write_text(GRUB_CONFIG.format(
        hypervisor=settings.hypervisor_command_line(), kernel=settings.kernel_command_line()))
    output = folder / "host.iso"
    done = subprocess.run(["grub-mkrescue", "-o", output, folder / "iso"],
                          capture_output=True, text=True)
    if done.returncode:
        raise RigError(f"grub-mkrescue failed:\n{done.stderr}")
    shutil.rmtree(folder / "iso")
    return output
