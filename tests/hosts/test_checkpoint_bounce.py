# Guests go on as their own shadows, and neither they nor who talks to them notice more than a pause.
# SPDX-License-Identifier: Apache-2.0
#
#     client --- lan --- eth0 of dom0 -- xenbr0 -- vif -- guest `web` : steady   (memory, clock, TCP echo)
#                                dom0: remus-bounce --- web == epochs ==> web--shadow, which becomes web

import random
import time
from concurrent.futures import ThreadPoolExecutor

import test_guest_postgres as postgres
from rig import dom0, programs, test
from rig.machine import ROOT

STREAM = ROOT / "tests/hosts/programs/stream.py"
COMPLAINTS = "dmesg | grep -iE 'BUG|WARN|stall|lockup|error|unstable|not syncing' || true"


def install(host):
    dom0.once(host, dom0.install)


def give(lab, guest, name, *libraries):
    """A program of ours into a guest, by way of dom0 and the wire."""
    host = guest.host
    host.push(programs.program(lab, name, *libraries), f"/srv/{name}", 0o755)
    host.run("setsid python3 -m http.server -d /srv 5001 >/dev/null 2>&1 </dev/null &")
    guest.run(f"for i in $(seq 60); do busybox wget -q -O /tmp/{name} http://{host.address()}:5001/{name} && break; "
              f"sleep 1; done; chmod +x /tmp/{name}", timeout=200)
    assert guest.out(f"md5sum </tmp/{name}") == host.out(f"md5sum </srv/{name}")


def bounce(host, guest, arguments="", timeout=900):
    before = guest.domid
    text = host.out(f"remus-bounce --take-over {arguments} {guest.name} 2>&1", timeout=timeout)
    guest.moved(came_as=f"{guest.name}--shadow")
    assert guest.domid != before, text
    return text


def start_steady(lab, guest, vcpus, mib=32, pause=0):
    give(lab, guest, "steady", "-lpthread")
    guest.run(f"/tmp/steady {mib} {vcpus} /tmp/report {pause} >/tmp/steady.log 2>&1 </dev/null &")
    wait_report(guest, "")


def stream(lab, guest, seconds, enough):
    """Numbers to steady and back until there is that file, or so many seconds; what there is to say of it."""
    return lab.client().run(f"python3 {STREAM} {guest.address} {seconds} 400 {enough}",
                            timeout=seconds + 500).out.strip()


def wait_report(guest, before, timeout=300):
    """Until steady has written another line; it must be a good one."""
    deadline = time.monotonic() + timeout
    while True:
        line = guest.out("cat /tmp/report 2>/dev/null || true", timeout=120)
        assert not line.startswith("FAILED"), line
        if line and line != before:
            return line
        assert time.monotonic() < deadline, \
            f"steady stands still at: {line}\n{guest.out('cat /tmp/steady.log; ps | tail -5')}"
        time.sleep(1)


def bounce_many(host, guest, count, chance):
    disk = host.disk_device(0)
    for number in range(count):
        time.sleep(chance.uniform(0, 2))
        bounce(host, guest, f"--epochs {chance.randrange(1, 6)} "
                            f"--interval {chance.randrange(0, 40)}")
        line = wait_report(guest, "")
        wait_report(guest, line)
        guest.run(f"echo {number} | dd of=/dev/xvda bs=512 seek={number} conv=fsync 2>/dev/null",
                  timeout=120)
        assert host.out(f"dd if={disk} iflag=direct bs=512 skip={number} count=1 2>/dev/null | "
                        "head -c 4").startswith(str(number))


def run_bounces(lab, vcpus, count, seed):
    host = lab.boot(toolstack=True, guests=True, memory=2048, disks=("64M",))
    install(host)
    dom0.once(host, dom0.add_quick_scripts)
    guest = host.guest("web", vcpus=vcpus, memory=160, nics=1, vif_script="quick-vif",
                       disks=[f"{host.disk_device(0)},raw,xvda,w,script=quick-block"])
    guest.create(timeout=600)
    guest.wait_boot(600)
    start_steady(lab, guest, vcpus)
    complaints = guest.out(COMPLAINTS)
    enough = lab.folder / "enough"
    with ThreadPoolExecutor() as pool:
        told = pool.submit(stream, lab, guest, 900 * count, enough)
        try:
            bounce_many(host, guest, count, random.Random(seed))
        finally:
            enough.touch()
        lab.note(told.result())
    lab.note(wait_report(guest, ""))
    later = guest.out(COMPLAINTS)
    assert later == complaints, later
    guest.destroy()


@test(name="checkpoint_bounce_1vcpu", vcpus=1, timeout=3600, soak=True)
@test(name="checkpoint_bounce_2vcpu", vcpus=2, timeout=3600, soak=True)
@test(name="checkpoint_bounce_4vcpu", vcpus=4, timeout=3600, soak=True)
def checkpoint_bounce(lab, vcpus):
    """A guest's memory, clock, disk and TCP connection through three bounces."""
    run_bounces(lab, vcpus, 3, seed=vcpus)


@test(timeout=2400, soak=True)
def checkpoint_bounce_postgres(lab):
    """pgbench from outside through three bounces: what it was told is in the database, once."""
    host = lab.boot(toolstack=True, guests=True, memory=3072, disks=("debian",))
    install(host)
    guest = postgres.boot_database(host)
    postgres.pgbench(lab, guest, "-i -q -s 2", timeout=300)
    with ThreadPoolExecutor() as pool:
        load = pool.submit(postgres.load, lab, guest, 240)
        for _ in range(3):
            time.sleep(10)
            bounce(host, guest, "--epochs 3")
        done = load.result()
    lab.note(f"{done} transactions through 3 bounces")
    postgres.check_sums(guest, done)
    assert guest.run("dmesg | grep -E 'I/O error|xvda: error'", check=False).out == ""
    guest.destroy()
