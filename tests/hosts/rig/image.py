# Where the dom0 image is; building it is the business of image/build.py.
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import importlib.util
import pathlib

BUILD_SCRIPT = pathlib.Path(__file__).parents[1] / "image/build.py"


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


def ensure():
    """The image for today's inputs, built now if it is missing."""
    spec = importlib.util.spec_from_file_location("image_build", BUILD_SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Image(module.ensure())
