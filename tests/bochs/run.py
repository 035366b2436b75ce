#!/usr/bin/env python3
"""Runs the hypervisor's self-tests under Bochs and counts what they say."""
# SPDX-License-Identifier: Apache-2.0
#
# Why a second machine: QEMU's emulated SVM flushes every TLB at VMRUN and ignores clean bits, so a
# missing flush or a stale control block goes unnoticed there. Bochs emulates both.
#
# The image boots from a GRUB ISO with the option `selftest` and tells its results on COM1, one line
# each, "selftest: NAME: ok" or "selftest: NAME: FAILED why", then "selftest: N passed, N failed".

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULT = re.compile(r"selftest: (.+?): (ok|FAILED)\b(.*)")
CLOSING = re.compile(r"selftest: (\d+) passed, (\d+) failed")

GRUB_MENU = """\
set timeout=0
{protocol} /boot/xen-core selftest {options}
boot
"""

# Bochs has no display-less mode; its VNC server that waits for nobody comes nearest. It panics about
# a triple fault even where that ends a guest and goes on as an exit, so CPU panics are only reported:
# after one of the host's own, the closing line is missing.
BOCHS_CONFIG = """\
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, e1000=0
config_interface: textconfig
display_library: rfb, options="timeout=0"
cpu: model={model}, count={cpus}, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest={memory}, host={memory}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev={serial}
log: {log}
panic: action=fatal, cpu0=report
error: action=report
info: action=report
debug: action=ignore
"""


def make_iso(folder, args):
    """A CD that boots the image without asking."""
    tree = folder / "iso" / "boot"
    (tree / "grub").mkdir(parents=True)
    shutil.copy(args.image, tree / "xen-core")
    menu = GRUB_MENU.format(protocol=args.protocol, options=args.options)
    (tree / "grub" / "grub.cfg").write_text(menu)
    iso = folder / "selftest.iso"
    subprocess.run(["grub-mkrescue", "-o", str(iso), str(tree.parent)],
                   check=True, capture_output=True)
    return iso


def start_bochs(folder, iso, args):
    """Bochs is a debugger build: it runs once it is told to continue (-rc), and asks again at each
    triple fault (standard input). A guest's must reach the hypervisor as an exit: for that Bochs
    has to survive its own panic about it, see `cpu0=report`."""
    config = folder / "bochsrc"
    config.write_text(BOCHS_CONFIG.format(
        model=args.model, cpus=args.cpus, memory=args.memory, iso=iso,
        serial=folder / "serial.txt", log=folder / "bochs.log"))
    commands = folder / "commands"
    commands.write_text("c\n" * 1000)
    with open(folder / "bochs.out", "wb") as out, open(commands, "rb") as answers:
        return subprocess.Popen(["bochs", "-q", "-f", str(config), "-rc", str(commands)],
                                stdin=answers, stdout=out, stderr=out, cwd=folder)


def read_serial(folder):
    """What the machine has said so far, as lines; an unfinished last line is left for later."""
    path = folder / "serial.txt"
    text = path.read_bytes().decode(errors="replace") if path.exists() else ""
    return text.replace("\r", "").split("\n")[:-1]


def watch(folder, bochs, args):
    """Prints results as they come, until the closing line, the end of Bochs or the timeout."""
    deadline = time.monotonic() + args.timeout
    shown = passed = failed = 0
    while True:
        ended = bochs.poll() is not None    # asked first: what it wrote last is still read below
        lines = read_serial(folder)
        for line in lines[shown:]:
            if args.verbose:
                print("    " + line)
            result = RESULT.search(line)
            if result:
                passed += result[2] == "ok"
                failed += result[2] == "FAILED"
                print(f"{result[2]:7}{result[1]}{result[3]}", flush=True)
            closing = CLOSING.search(line)
            if closing:
                return passed, failed, check_count(closing, passed, failed)
        shown = len(lines)
        if ended:
            return passed, failed, f"Bochs ended (status {bochs.returncode}) before the closing line"
        if time.monotonic() > deadline:
            return passed, failed, f"no closing line within {args.timeout} s"
        time.sleep(0.2)


def check_count(closing, passed, failed):
    """A lost or garbled line must not go unnoticed."""
    said = int(closing[1]), int(closing[2])
    if said == (passed, failed):
        return None
    return f"the image counts {said[0]} passed, {said[1]} failed; seen were {passed}, {failed}"


def stop(bochs):
    if bochs.poll() is None:
        bochs.terminate()
        try:
            bochs.wait(timeout=5)
        except subprocess.TimeoutExpired:
            bochs.kill()
            bochs.wait()


def show_logs(folder, keep):
    print("---- last lines of the serial console")
    print("\n".join(read_serial(folder)[-40:]))
    for name in ("bochs.log", "bochs.out"):
        path = folder / name
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        notable = [line for line in lines if re.search(r"PANIC|ERROR|>>|exception", line)]
        print(f"---- {name}")
        print("\n".join((notable or lines)[-15:]))
    keep.mkdir(parents=True, exist_ok=True)
    for name in ("serial.txt", "bochs.log", "bochs.out"):
        if (folder / name).exists():
            shutil.copy(folder / name, keep / name)
    print(f"---- all of it is in {keep}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, help="build/xen-core")
    parser.add_argument("options", nargs="?", default="", help="more options for its command line")
    parser.add_argument("--model", default="ryzen", help="Bochs CPU model")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", type=int, default=512, help="MiB")
    parser.add_argument("--protocol", default="multiboot2", choices=("multiboot", "multiboot2"))
    parser.add_argument("--timeout", type=int, default=240, help="seconds")
    parser.add_argument("--verbose", action="store_true", help="show the whole serial console")
    return parser.parse_args()


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="bochs-") as name:
        folder = Path(name)
        bochs = start_bochs(folder, make_iso(folder, args), args)
        try:
            passed, failed, problem = watch(folder, bochs, args)
        finally:
            stop(bochs)
        if problem:
            print(f"FAILED {problem}")
            failed += 1
        if failed:
            show_logs(folder, args.image.resolve().parent / "bochs-failed")
    if not passed + failed:
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
