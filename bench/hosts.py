# The hosts that are measured: xen-core, and what it is measured against, in the same QEMU.
# SPDX-License-Identifier: Apache-2.0

import contextlib
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/hosts"))
from rig import machine  # noqa: E402  (found through the line above)

# Debian's Xen runs no PVH dom0 without an IOMMU, nor the virtio devices past one.
IOMMU = ["-device", "amd-iommu", "-global", "virtio-pci.disable-legacy=on",
         "-global", "virtio-device.iommu_platform=on"]
# It idles in MWAIT, which QEMU refuses with its hints; and it takes RDTSC away from guests, since
# QEMU's TSC is not declared invariant, but then cannot step over the RDTSCP of a dom0. And QEMU
# lets a guest's XSETBV through, which Xen does not expect.
CPU_OF_PVH_DOM0 = machine.CPU + ",-monitor,-rdtscp"

KINDS = {
    "xen-core": {"hypervisor": "xen-core"},
    "bare": {"hypervisor": "none"},
    "xen": {"hypervisor": "xen"},
    # These two run on the same machine, so their exits can be compared.
    "xen-core-pvh": {"hypervisor": "xen-core", "cpu": CPU_OF_PVH_DOM0},
    "xen-pvh": {"hypervisor": "xen", "cpu": CPU_OF_PVH_DOM0, "xen_options": "dom0=pvh xsave=0"},
}
BOOT_SECONDS = 300
MEMORY = "/dev/shm"


@contextlib.contextmanager
def _added_to_qemu(words):
    """The rig knows no further words for QEMU: they are slipped in where it makes the others."""
    plain = machine.base
    machine.base = lambda *arguments: plain(*arguments) + words
    try:
        yield
    finally:
        machine.base = plain


@contextlib.contextmanager
def _guest_disks_in_memory(host):
    """This machine's storage, and when its kernel thinks that too much waits for it, is not what is measured."""
    with tempfile.TemporaryDirectory(prefix="remus-bench-", dir=MEMORY) as folder:
        for number, _ in enumerate(host.settings.disks):
            name = f"guest-disk-{number}.qcow2"
            (host.folder / name).symlink_to(pathlib.Path(folder) / name)
        yield


@contextlib.contextmanager
def running(lab, kind, number, **settings):
    """A host of that kind whose dom0 answers; switched off afterwards, its disk removed."""
    host = lab.host(f"{kind}-{number}", **{"nics": ()} | settings | KINDS[kind])
    with _guest_disks_in_memory(host):
        try:
            with _added_to_qemu(IOMMU if kind == "xen-pvh" else []):
                host.start()
            yield host.wait_boot(BOOT_SECONDS)
        finally:
            host.close()
            for disk in host.folder.glob("*.qcow2"):
                disk.unlink()
