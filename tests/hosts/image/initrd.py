# The initrd of hosts and guests: a static busybox, the modules that reach the disk, one script.
# SPDX-License-Identifier: Apache-2.0

import os
import pathlib
import shutil
import subprocess

# In load order; modules.dep supplies what each of them needs. A name that is built into the
# kernel has no file and is passed over.
MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "crc32c_generic", "ext4"]


def module_files(modules_dir, modules):
    """Paths of modules and all they depend on, relative to modules_dir, in load order."""
    needs = {}
    for line in (modules_dir / "modules.dep").read_text().splitlines():
        path, _, deps = line.partition(":")
        needs[path] = deps.split()
    by_name = {pathlib.Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}

    ordered = []
    for name in modules:
        if name not in by_name:
            continue
        path = by_name[name]
        # modules.dep lists the deepest dependency last.
        for item in reversed([path] + needs[path]):
            if item not in ordered:
                ordered.append(item)
    return ordered


def build(rootfs, script, work, output, modules=MODULES):
    """Write the cpio archive for the kernel installed in rootfs to output.

    What already lies in work goes into the archive too.
    """
    modules_dir = next((rootfs / "lib/modules").iterdir())
    for folder in ("bin", "dev", "proc", "sys", "root", "modules"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy2(rootfs / "bin/busybox", work / "bin/busybox")
    shutil.copy2(script, work / "init")
    os.chmod(work / "init", 0o755)

    names = []
    for path in module_files(modules_dir, modules):
        name = pathlib.Path(path).name
        shutil.copy2(modules_dir / path, work / "modules" / name)
        names.append(f"/modules/{name}\n")
    (work / "modules.list").write_text("".join(names))

    # Not compressed: unpacking under emulation costs more than QEMU's copy of a few megabytes.
    with open(output, "wb") as archive:
        subprocess.run("find . | LC_ALL=C sort | cpio -o -H newc --quiet", shell=True, cwd=work,
                       stdout=archive, check=True)
