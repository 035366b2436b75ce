# Where the images of dom0 and of guests are; image/ and guest_image/ know how to build them.
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import functools
import importlib.util
import pathlib

BUILD_SCRIPTS = pathlib.Path(__file__).parents[1]


@dataclasses.dataclass
class Image:
    folder: pathlib.Path

    @property
    def disk(self):
        return self.folder / "root.img"

    @property
    def kernel(self):
        return self.folder / "vmlinuz"

    @property
    def initrd(self):
        return self.folder / "initrd"

    @property
    def debian_xen(self):
        return self.folder / "xen"

    @property
    def guest_files(self):
        return ensure_guest() / "files.img"

    @property
    def guest_disk(self):
        return ensure_guest() / "debian.img"

    @property
    def pgbench(self):
        return ensure_guest() / "pgbench"


def built(name):
    script = BUILD_SCRIPTS / name / "build.py"
    spec = importlib.util.spec_from_file_location(f"{name}_build", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ensure()


def ensure():
    """The image of dom0 for today's inputs, built now if it is missing."""
    return Image(built("image"))


@functools.cache
def ensure_guest():
    """The folder of what guests boot from, built now if it is missing."""
    return built("guest_image")


@functools.cache
def ensure_narrow():
    """The folder of what a 32-bit guest boots from, built now if it is missing."""
    return built("narrow_image")
