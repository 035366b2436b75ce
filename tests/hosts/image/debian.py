# What all disk images of Debian have in common: packages, files laid over them, a cache by hash.
# SPDX-License-Identifier: Apache-2.0
#
# An image is a folder <kind>-<hash>/ of the cache, ${REMUS_CACHE:-/var/cache/remus}. The hash covers
# the files it is made from and the versions that apt would install, so a stale image is never used.
# A folder is complete or absent: it is built aside and renamed.

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
RELEASE = "bookworm"
ROOT_PASSWORD = "remus"
SPARE_BYTES = 1 << 30
KEEP_IMAGES = 3


def cache_dir():
    return pathlib.Path(os.environ.get("REMUS_CACHE", "/var/cache/remus"))


def lines_of(path):
    return path.read_text().split()


def candidate_versions(packages):
    """What apt would install today; part of the hash so that security updates reach the image."""
    out = subprocess.run(["apt-cache", "policy", *packages], check=True,
                         capture_output=True, text=True).stdout
    found = [line.strip() for line in out.splitlines() if "Candidate:" in line]
    if len(found) < len(packages) or any("(none)" in line for line in found):
        raise SystemExit(f"image: apt does not know all of {' '.join(packages)}: is this Debian "
                         f"{RELEASE}, and was `apt-get update` run?")
    return found


def files_below(folder):
    return [path for path in sorted(folder.rglob("*"))
            if "__pycache__" not in path.parts and not path.is_dir()]


def input_hash(files, packages):
    digest = hashlib.sha256()
    for path in files:
        content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        mode = "x" if os.access(path, os.X_OK) else "-"
        digest.update(f"{path.relative_to(HERE.parent)} {mode} {len(content)}\n".encode() + content)
    digest.update("\n".join(candidate_versions(packages)).encode())
    return digest.hexdigest()[:12]


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


def install_packages(packages, rootfs, log):
    debs = cache_dir() / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    sources = apt_sources()
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory",
               "--include=" + ",".join(packages),
               # Downloaded packages are kept between builds.
               "--skip=download/empty", "--skip=essential/unlink",
               "--setup-hook=mkdir -p \"$1\"/var/cache/apt/archives",
               f"--setup-hook=sync-in {debs} /var/cache/apt/archives",
               f"--customize-hook=sync-out /var/cache/apt/archives {debs}",
               f"--customize-hook=echo root:{ROOT_PASSWORD} | chroot \"$1\" chpasswd"]
    excluded = lines_of(HERE / "excluded-paths.txt")
    command += [f"--dpkgopt=path-exclude={path}" for path in excluded]
    command += [RELEASE, str(rootfs)]
    if sources:
        command.append("-")
    result = subprocess.run(command, input="\n".join(sources), text=True, stdout=log, stderr=log)
    if result.returncode:
        raise SystemExit(f"image: mmdebstrap failed, see {log.name}")


def configure(rootfs, overlay):
    """Lay our files over the packages' ones and silence what only slows a test down."""
    subprocess.run(["cp", "-a", "--no-preserve=ownership", f"{overlay}/.", rootfs], check=True)
    units = rootfs / "etc/systemd/system"
    for unit in lines_of(HERE / "masked-units.txt"):
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    shutil.rmtree(rootfs / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(rootfs / "var/lib/apt/lists", ignore_errors=True)


def used_bytes(folder):
    out = subprocess.run(["du", "-s", "--block-size=1", folder], check=True,
                         capture_output=True, text=True).stdout
    return int(out.split()[0])


def make_disk(folder, output, label="root", spare=SPARE_BYTES):
    size = used_bytes(folder) * 11 // 10 + spare
    with open(output, "wb") as disk:
        disk.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", folder,
                    "-E", "lazy_itable_init=1,lazy_journal_init=1", output], check=True)


def prune(kind, keep):
    """The oldest images go; hosts that run on one keep it open and lose nothing."""
    images = sorted(cache_dir().glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime,
                    reverse=True)
    for old in [path for path in images if path != keep][KEEP_IMAGES - 1:]:
        shutil.rmtree(old, ignore_errors=True)


def ensure(kind, digest, build):
    """The folder of the image; build(work, log) makes it, and returns it, if it is not there yet."""
    cache = cache_dir()
    target = cache / f"{kind}-{digest}"
    if target.exists():
        return target
    if os.geteuid():
        raise SystemExit(f"image: building the {kind} image needs root")
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "image.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return target
        for left_by_a_killed_build in cache.glob("building-*"):
            shutil.rmtree(left_by_a_killed_build)
        with open(cache / f"{kind}-build.log", "w") as log, \
                tempfile.TemporaryDirectory(prefix="building-", dir=cache) as work:
            os.chmod(work, 0o755)
            os.rename(build(pathlib.Path(work), log), target)
        prune(kind, target)
    return target
