# What a host is made of, and the QEMU command line that makes it.
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import os
import pathlib

from . import media
from .errors import RigError

ROOT = pathlib.Path(__file__).resolve().parents[3]
OVMF_CODE = "/usr/share/OVMF/OVMF_CODE.fd"
OVMF_VARS = "/usr/share/OVMF/OVMF_VARS.fd"
PORT_NAME = "org.remus.rig"

CPU = "EPYC,+svm,+npt"
# QEMU shows a PV dom0 no SMAP or SMEP, but its kernel meets them; MONITOR is used untrapped; and
# QEMU lets guests set XCR0 behind Debian's Xen.
CPU_OF_PV_DOM0 = CPU + ",-smap,-smep,-monitor,-xsave"


@dataclasses.dataclass
class Settings:
    name: str = "a"
    cpus: int = 2
    memory: int = 1536  # MiB of the machine
    dom0_memory: int = 1024  # MiB; all of it when there is no hypervisor
    hypervisor: str = dataclasses.field(  # xen-core, xen (Debian's), none (the bare kernel)
        default_factory=lambda: os.environ.get("REMUS_HYPERVISOR", "xen-core"))
    boot: str = "kernel"  # kernel (QEMU loads), grub-bios, grub-uefi
    init: str = "rig-init"  # or systemd
    toolstack: bool = False  # rig-init only: start xenstored and friends before the agent
    shell: bool = False  # rig-init only: a root shell on the console
    xen_options: str = ""  # added to the hypervisor's command line
    kernel_options: str = ""  # added to dom0's
    cpu: str | None = None  # QEMU's -cpu
    kernel: pathlib.Path | None = None  # instead of the image's
    modules: bool = True  # give the hypervisor a kernel and an initrd at all
    nics: tuple[str, ...] = ("lan",)  # the link of each
    guests: bool = False  # dom0 reaches what guests boot from; implies toolstack
    disks: tuple[str, ...] = ()  # for guests: "debian", or the size of an empty one, like "1G"

    def hypervisor_command_line(self):
        if self.hypervisor == "xen":
            words = "console=com1 com1=115200,8n1"
        else:
            words = "console=com1 loglvl=info"
        words += f" dom0_mem={self.dom0_memory}M dom0_max_vcpus={self.cpus}"
        if self.spares_boot_cpu():
            words += " spare_boot_cpu"
        # The last of several options of one name counts, so a test can replace the above.
        return " ".join([words, self.xen_options, os.environ.get("REMUS_XEN_OPTIONS", "")]).strip()

    def spares_boot_cpu(self):
        """One more CPU that runs nothing, against a fault of the emulator's: docs/testing.md."""
        return self.hypervisor == "xen-core" and self.cpus > 1 and "selftest" not in self.xen_options

    def kernel_command_line(self):
        words = ["console=" + ("ttyS0" if self.hypervisor == "none" else "hvc0"),
                 "root=/dev/vda", "net.ifnames=0", f"rig.name={self.name}",
                 f"systemd.hostname={self.name}",
                 "init=" + ("/sbin/init" if self.init == "systemd" else "/sbin/rig-init")]
        if self.toolstack or self.guests:
            words.append("rig.xen=1")
        if self.shell:
            words.append("rig.shell=1")
        words += [self.kernel_options, os.environ.get("REMUS_KERNEL_OPTIONS", "")]
        return " ".join(words).strip()

    def hypervisor_file(self, image):
        if self.hypervisor == "xen":
            return image.debian_xen
        path = pathlib.Path(os.environ.get("REMUS_XEN_CORE", ROOT / "build/xen-core"))
        if not path.exists():
            raise RigError(f"{path} is missing: run `make` first")
        return path

    def kernel_file(self, image):
        return self.kernel or image.kernel


def direct_boot(settings, image):
    """QEMU itself loads the kernel, or the hypervisor with its multiboot modules."""
    kernel = settings.kernel_file(image)
    if settings.hypervisor == "none":
        return ["-kernel", kernel, "-initrd", image.initrd,
                "-append", settings.kernel_command_line()]
    words = ["-kernel", settings.hypervisor_file(image),
             "-append", settings.hypervisor_command_line()]
    if settings.modules:
        # QEMU splits this at commas; a doubled one stands for itself.
        line = settings.kernel_command_line().replace(",", ",,")
        words += ["-initrd", f"{kernel} {line},{image.initrd}"]
    return words


def disc_boot(settings, image, folder):
    """GRUB on a CD, started by SeaBIOS or OVMF."""
    disc = media.make_iso(settings, image, folder)
    words = ["-drive", f"file={disc},media=cdrom,readonly=on,if=none,id=disc",
             "-device", "ide-cd,drive=disc,bus=ide.0,bootindex=1"]
    if settings.boot == "grub-uefi":
        variables = media.copy(OVMF_VARS, folder / "ovmf-vars.fd")
        words += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE}",
                  "-drive", f"if=pflash,format=raw,file={variables}"]
    return words


def nic(settings, number, tap):
    last = sum(settings.name.encode()) & 0xff
    mac = f"52:54:00:66:{number:02x}:{last:02x}"
    return ["-netdev", f"tap,id=net{number},ifname={tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=net{number},mac={mac},romfile="]


def base(settings, image, folder, disk):
    """Everything but consoles, sockets and network."""
    cpu = settings.cpu or (CPU_OF_PV_DOM0 if settings.hypervisor == "xen" else CPU)
    words = ["qemu-system-x86_64", "-name", settings.name, "-machine", "q35", "-cpu", cpu,
             "-accel", "tcg,thread=multi", "-smp", settings.cpus + settings.spares_boot_cpu(), "-m", settings.memory,
             "-display", "none", "-nodefaults", "-no-reboot",
             "-drive", f"file={disk},format=qcow2,if=virtio,cache=unsafe"]
    if settings.boot == "kernel":
        words += direct_boot(settings, image)
    else:
        words += disc_boot(settings, image, folder)
    return [str(word) for word in words]


def more_disks(settings, image, overlays):
    """/dev/vdb holds what guests boot from; the overlays of guests' disks come behind it."""
    words = []
    if settings.guests:
        words += ["-drive", f"file={image.guest_files},format=raw,if=virtio,readonly=on"]
    for path in overlays:
        words += ["-drive", f"file={path},format=qcow2,if=virtio,cache=unsafe"]
    return words


def sockets(paths):
    """The serial console, the agent's port and QEMU's control socket, each a Unix socket."""
    words = []
    for name in ("console", "agent", "qmp"):
        words += ["-chardev", f"socket,id={name},path={paths[name]},server=on,wait=off"]
    return words + ["-serial", "chardev:console",
                    "-device", "virtio-serial-pci",
                    "-device", f"virtserialport,chardev=agent,name={PORT_NAME}",
                    "-mon", "chardev=qmp,mode=control"]
