# A guest is replicated to a second host every 25 ms: what that leaves it; `xl remus` of Debian's Xen beside it.
# SPDX-License-Identifier: Apache-2.0
#
#     client: load/net ask --- lan --- a: guest, load/net serve, load/turns
#                                      a ==== repl: remus-primary, or xl remus ====> b
#
# Xen's is run without its network buffer and without disks, so its answers leave at once: they are not protected.

import contextlib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import test_checkpoint
import test_replicate as replicate
from rig import dom0, errors  # found through hosts

from . import checkpoint, guest as guest_bench, hosts
from .figures import Spread, table

TITLE = "a guest between two hosts: speed kept, answers, epochs, bytes; xl remus beside it"
ROUNDS = 2
KINDS = ("xen-core", "xen")
INTERVAL_MS = 25
SECONDS = 10
REST_MS = 30  # between two turns that write
LOADS = {"idle": None, "compute": 0, "1,000 pages": 1000, "10,000 pages": 10000}  # written in a turn
PORT = 5999
BUILD = hosts.ROOT / "build/bench"
GUEST_MIB = 192
BEGIN_SECONDS = 600


def build():
    checkpoint.build()
    guest_bench.build()
    subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-F", BUILD / "replicate.cpio"],
                   input="load\nload/net\nload/turns", text=True, cwd=BUILD / "initrd", check=True)


@contextlib.contextmanager
def pair(lab, kind, number):
    with contextlib.ExitStack() as stack:
        a, b = (stack.enter_context(hosts.running(lab, kind, f"{number}{side}", nics=("lan", "repl"), guests=True,
                                                  memory=2048, cpus=1)) for side in "ab")
        if kind == "xen-core":
            replicate.make_pair(lab, (a, b))
        else:
            for host in (a, b):
                dom0.prepare(host, disks=False, nics=True)
        yield a, b


def boot_guest(host):
    host.push(BUILD / "replicate.cpio", "/run/load.cpio")
    for command in (f"cat /run/load.cpio {dom0.GUEST_FILES}/tiny.initrd >/run/bench.initrd",
                    f"cat {dom0.GUEST_FILES}/vmlinux >/dev/null"):
        host.run(command, timeout=120)
    dom0.once(host, dom0.add_quick_scripts)
    guest = host.guest("web", memory=GUEST_MIB, nics=1, ramdisk="/run/bench.initrd", vif_script="quick-vif",
                       disks=[f"{replicate.DISK},raw,xvda,w"] if host.settings.hypervisor == "xen-core" else [])
    guest.boot(timeout=400)
    guest.run(f"setsid /load/net serve {PORT} </dev/null >/dev/null 2>&1 &")
    return guest


# --- protection ---

def protect(a, b, guest):
    """Returns when there is a copy that could take over, and epochs follow."""
    begun = time.monotonic()
    if a.settings.hypervisor == "xen-core":
        b.run(f"cp {dom0.GUEST_FILES}/tiny.initrd /run/bench.initrd")  # what the configuration names
        uuid = replicate.start_standby(a, b, guest)
        config = replicate.settings(a, b, b.address("repl"), guest, uuid) | {"interval_ms": INTERVAL_MS}
        replicate.start_worker(a, "remus-primary", config)
        replicate.wait_protected(a)
    else:
        xl_remus(a, b, guest)
    return time.monotonic() - begun


def xl_remus(a, b, guest):
    test_checkpoint.receive_on(b, "-r")
    a.run("cat >/root/connect.py", stdin=test_checkpoint.CONNECT.encode())
    a.run(f"setsid xl remus -F -n -d -i {INTERVAL_MS} -s '' {guest.name} 'python3 /root/connect.py {b.address('repl')}' "
          "</dev/null >/root/remus.log 2>&1 &")
    deadline = time.monotonic() + BEGIN_SECONDS
    while epochs(a, guest) < 3:
        if time.monotonic() > deadline:
            raise errors.RigError("xl remus took no checkpoint: " + a.out("cat /root/remus.log"))


def epochs(host, guest):
    """So far. Xen's guest says in its log when it is suspended."""
    if host.settings.hypervisor == "xen-core":
        return replicate.ask(host, "status")["result"]["acknowledged"]
    return int(guest.out("dmesg | grep -c 'Freezing user space' || true", timeout=BEGIN_SECONDS))


# --- what is measured ---

def wire_bytes(lab, host):
    """What the host has sent on the replication link."""
    tap = f"{host.name}-repl"[:15]
    told = subprocess.run(["ip", "netns", "exec", lab.network.namespace, "cat",
                           f"/sys/class/net/{tap}/statistics/rx_bytes"], capture_output=True, check=True)
    return int(told.stdout)


def ask(lab, guest):
    """Microseconds to an answer: the median, and what 1 % exceed."""
    said = lab.client().run(f"{BUILD}/initrd/load/net ask {guest.address} {PORT} {SECONDS}", timeout=300).out
    return [float(word) for word in said.split()]


def under(lab, host, guest, load, hertz):
    """{rate, p50, p99, cpu: of dom0} while the guest does that."""
    pages = LOADS[load]
    before = dom0.domains(host)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, lab, guest)
        rate = 0 if pages is None else checkpoint.turns(guest, SECONDS, hertz, pages, REST_MS if pages else 0)["rate"]
        half, most = asked.result()
    after = dom0.domains(host)
    return {"rate": rate, "p50": half, "p99": most, "cpu": (after.cpu[0] - before.cpu[0]) / (after.clock - before.clock)}


def protected_under(lab, host, guest, load, hertz):
    """Also {epochs, bytes} a second."""
    cut, sent = epochs(host, guest), wire_bytes(lab, host)
    begun = time.monotonic()
    found = under(lab, host, guest, load, hertz)
    cut, sent = epochs(host, guest) - cut, wire_bytes(lab, host) - sent
    took = time.monotonic() - begun
    return found | {"epochs": cut / took, "bytes": sent / took}


def sample(lab, kind, number):
    """{load: (alone, protected)}"""
    with pair(lab, kind, number) as (a, b):
        guest = boot_guest(a)
        hertz = checkpoint.turns(guest, 1, 0, 0)["hertz"]
        alone = {load: under(lab, a, guest, load, hertz) for load in LOADS}
        lab.note(f"{kind}: protected in {protect(a, b, guest):.0f} s")
        found = {}
        for load in LOADS:
            found[load] = (alone[load], protected_under(lab, a, guest, load, hertz))
            lab.note(f"{kind}, {load}: {found[load]}")
        return found


def measure(lab, rounds):
    """{kind: [sample, ...]}"""
    build()
    results = {kind: [] for kind in KINDS}
    for number in range(1, rounds + 1):
        for kind in KINDS:
            results[kind].append(sample(lab, kind, number))
    return results


# --- the page ---

def median(samples, load, name, is_protected=True):
    return Spread([sample[load][is_protected][name] for sample in samples]).median


def row(samples, kind, load):
    kept = "-"
    if LOADS[load] is not None:
        kept = Spread([sample[load][1]["rate"] / sample[load][0]["rate"] for sample in samples]).cells(".2f")
        kept = f"{kept[0]} ({kept[1]}-{kept[2]})"
    sent = median(samples, load, "bytes")
    return [f"{kind}, {load}", kept, format(median(samples, load, "epochs"), ".1f"),
            *[format(median(samples, load, name, way) / 1000, ".1f") for name in ("p50", "p99") for way in (False, True)],
            format(sent / 1e6, ".2f"), format(median(samples, load, "cpu"), ".2f")]


def text(results):
    return "\n\n".join([
        table(["", "speed kept", "epochs/s", "p50 alone", "p50", "p99 alone", "p99", "MB/s", "dom0"],
              [row(samples, kind, load) for kind, samples in results.items() for load in LOADS]),
        "p50, p99: milliseconds until a client has its answer. MB/s: on the replication link.\n"
        "dom0: CPUs that the primary's dom0 takes. xl remus holds neither frames nor disk writes\n"
        "back here (-n -d): its answers leave before they are safe."])
