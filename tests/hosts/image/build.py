#!/usr/bin/env python3
# Builds the dom0 image of the test hosts from Debian packages, once per set of inputs.
# SPDX-License-Identifier: Apache-2.0
#
# The image is a folder ${REMUS_CACHE:-/var/cache/remus}/image-<hash>/ holding
#   root.img  ext4, sparse      vmlinuz  Debian's kernel as it is
#   initrd    our own           xen      Debian's Xen, unpacked, to compare against
# The hash covers all files of this folder and the versions that apt would install, so a stale
# image is never used. A folder is complete or absent: it is built aside and renamed.

import contextlib
import fcntl
import gzip
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import initrd  # noqa: E402  (found through the line above)

RELEASE = "bookworm"
XEN_PACKAGE = "xen-hypervisor-4.17-amd64"
VERSIONED = ["linux-image-amd64", "xen-utils-4.17", "systemd", XEN_PACKAGE]
ROOT_PASSWORD = "remus"
SPARE_BYTES = 1 << 30
KEEP_IMAGES = 3


def cache_dir():
    return pathlib.Path(os.environ.get("REMUS_CACHE", "/var/cache/remus"))


def lines_of(name):
    return (HERE / name).read_text().split()


def candidate_versions():
    """What apt would install today; part of the hash so that security updates reach the image."""
    out = subprocess.run(["apt-cache", "policy", *VERSIONED], check=True,
                         capture_output=True, text=True).stdout
    found = [line.strip() for line in out.splitlines() if "Candidate:" in line]
    if len(found) < len(VERSIONED) or any("(none)" in line for line in found):
        raise SystemExit(f"image: apt does not know all of {' '.join(VERSIONED)}: is this Debian "
                         f"{RELEASE}, and was `apt-get update` run?")
    return found


def input_hash():
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*")):
        if "__pycache__" in path.parts or path.is_dir():
            continue
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        mode = "x" if os.access(path, os.X_OK) else "-"
        digest.update(f"{path.relative_to(HERE)} {mode} {len(content)}\n".encode() + content)
    digest.update("\n".join(candidate_versions()).encode())
    return digest.hexdigest()[:12]


def image_dir():
    """Where the image for today's inputs is, or would be."""
    return cache_dir() / f"image-{input_hash()}"


def apt_sources():
    """The Debian archives this machine itself uses, or none (mmdebstrap then takes its default)."""
    out = subprocess.run(["apt-get", "indextargets", "--format",
                          "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
                          "Created-By: Packages"], capture_output=True, text=True).stdout
    found = []
    for line in out.splitlines():
        origin, codename, uri, release, component = line.split("|")
        source = f"deb {uri} {release} {component}"
        if origin == "Debian" and codename.startswith(RELEASE) and source not in found:
            found.append(source)
    return found


def say(text):
    print(f"image: {text}", flush=True)


@contextlib.contextmanager
def step(text):
    start = time.monotonic()
    say(f"{text} ...")
    yield
    say(f"{text} took {time.monotonic() - start:.0f} s")


def install_packages(rootfs, log):
    debs = cache_dir() / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    sources = apt_sources()
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
               "--include=" + ",".join(lines_of("packages.txt")),
               # Downloaded packages are kept between builds.
               "--skip=download/empty", "--skip=essential/unlink",
               "--setup-hook=mkdir -p \"$1\"/var/cache/apt/archives",
               f"--setup-hook=sync-in {debs} /var/cache/apt/archives",
               f"--customize-hook=sync-out /var/cache/apt/archives {debs}",
               f"--customize-hook=echo root:{ROOT_PASSWORD} | chroot \"$1\" chpasswd"]
    command += [f"--dpkgopt=path-exclude={path}" for path in lines_of("excluded-paths.txt")]
    command += [RELEASE, str(rootfs)]
    if sources:
        command.append("-")
    result = subprocess.run(command, input="\n".join(sources), text=True, stdout=log, stderr=log)
    if result.returncode:
        raise SystemExit(f"image: mmdebstrap failed, see {log.name}")


def configure(rootfs):
    """Lay our files over the packages' ones and silence what only slows a test down."""
    subprocess.run(["cp", "-a", "--no-preserve=ownership", f"{HERE / 'root'}/.", rootfs],
                   check=True)
    units = rootfs / "etc/systemd/system"
    for unit in lines_of("masked-units.txt"):
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    shutil.rmtree(rootfs / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(rootfs / "var/lib/apt/lists", ignore_errors=True)


def used_bytes(folder):
    out = subprocess.run(["du", "-s", "--block-size=1", folder], check=True,
                         capture_output=True, text=True).stdout
    return int(out.split()[0])


def make_disk(rootfs, output):
    size = used_bytes(rootfs) * 11 // 10 + SPARE_BYTES
    with open(output, "wb") as disk:
        disk.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", rootfs,
                    "-E", "lazy_itable_init=1,lazy_journal_init=1", output], check=True)


def extract_debian_xen(work, output, log):
    work.mkdir()
    # apt drops its rights to a user that may not write here unless told otherwise.
    subprocess.run(["apt-get", "download", "-o", "APT::Sandbox::User=root", XEN_PACKAGE],
                   cwd=work, check=True, stdout=log, stderr=log)
    subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), work / "files"], check=True)
    with gzip.open(next((work / "files/boot").glob("xen-*.gz"))) as packed:
        output.write_bytes(packed.read())


def build(work, log):
    rootfs = work / "rootfs"
    out = work / "image"
    out.mkdir()
    with step("installing packages"):
        install_packages(rootfs, log)
    with step("configuring, packing the initrd"):
        configure(rootfs)
        shutil.copy2(next((rootfs / "boot").glob("vmlinuz-*")), out / "vmlinuz")
        initrd.build(rootfs, HERE / "initrd-init", work / "initrd", out / "initrd")
        shutil.copy2(out / "initrd", rootfs / "boot/rig-initrd")
    with step("unpacking Debian's Xen"):
        extract_debian_xen(work / "xen", out / "xen", log)
    with step("writing the disk"):
        make_disk(rootfs, out / "root.img")
    return out


def prune(cache, keep):
    """The oldest images go; hosts that run on one keep it open and lose nothing."""
    images = sorted(cache.glob("image-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in [path for path in images if path != keep][KEEP_IMAGES - 1:]:
        shutil.rmtree(old, ignore_errors=True)


def ensure():
    """The folder of the image, built first if it is not there yet."""
    target = image_dir()
    if target.exists():
        return target
    if os.geteuid():
        raise SystemExit("image: building the dom0 image needs root")
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "image.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        for left_by_a_killed_build in cache.glob("building-*"):
            shutil.rmtree(left_by_a_killed_build)
        with open(cache / "image-build.log", "w") as log, \
                tempfile.TemporaryDirectory(prefix="building-", dir=cache) as work:
            os.chmod(work, 0o755)
            os.rename(build(pathlib.Path(work), log), target)
        prune(cache, target)
    return target


if __name__ == "__main__":
    say(f"ready: {ensure()}")
