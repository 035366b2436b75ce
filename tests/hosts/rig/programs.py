# Compiles the programs of tests/hosts/programs, which run inside a host, on this machine.
# SPDX-License-Identifier: Apache-2.0

import pathlib
import subprocess

from .errors import RigError

SOURCES = pathlib.Path(__file__).parents[1] / "programs"
FLAGS = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-static",
         f"-I{SOURCES.parents[2] / 'xen-core'}"]
KERNEL_FLAGS = ["-m32", "-ffreestanding", "-nostdlib", "-fno-pic", "-no-pie",
                "-fcf-protection=none", "-fno-asynchronous-unwind-tables", "-mgeneral-regs-only"]
KERNEL_PLACE, NOTE_PLACE, REPORT_PLACE = 0x1000000, 0x1007000, 0x1008000


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RigError(f"{command[0]} failed:\n{done.stderr}")


def program(lab, name, *libraries):
    """A static Linux program made of programs/NAME.c; returns its path."""
    path = lab.folder / name
    run("gcc", *FLAGS, "-o", path, SOURCES / f"{name}.c", *libraries)
    return path


def kernel(lab, name):
    """programs/NAME.c as a 32-bit kernel in the form that PVH asks for; its section .report lies
    at REPORT_PLACE."""
    path = lab.folder / name
    run("gcc", *FLAGS, *KERNEL_FLAGS, f"-Wl,--build-id=none,-N,-Ttext={KERNEL_PLACE:#x},"
        f"--section-start=.note.Xen={NOTE_PLACE:#x},--section-start=.report={REPORT_PLACE:#x}",
        "-o", path, SOURCES / f"{name}.c")
    run("objcopy", "-O", "elf64-x86-64", path)
    return path
