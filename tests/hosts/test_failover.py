# Hosts of a cluster die, and nobody types anything: the guest goes on, and is protected again.
# SPDX-License-Identifier: Apache-2.0
#
#     client --- lan --- a: guest `web`, remusd, corosync ==== repl ==== b: its copy, remusd, corosync
#                  `---- c: corosync alone, the third vote --------------'

import json
import time

from rig import dom0, test
from rig.cluster import STRETCH, Cluster
from test_operator import ask, wait_daemon
from test_protect import configure, protect, status, wait_protection
from test_replicate import (COMPLAINTS, DISK, boot_pair, give, sector, streaming, wait_report,
                            write_sector)

# An emulated host may stand still for seconds.
ARBITER = f"cluster = {{ lease = {2000 * STRETCH}; watchdog = {2000 * STRETCH}; window = {12000 * STRETCH}; }};\n"


def boot_cluster(lab):
    a, b = hosts = boot_pair(lab, cpus=1)  # their clocks and Corosync's go on better with one each on a machine of two
    cluster = Cluster(lab, hosts)
    for host, peer in ((a, b), (b, a)):
        configure(host, peer, ARBITER)
    for host in hosts:
        cluster.wait_votes(host)
    return cluster, a, b


def boot_guest(lab, host):
    """A guest under a load that shows what it loses."""
    guest = host.guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"]).boot()
    give(lab, guest, "steady", "-lpthread")
    guest.run("/tmp/steady 4 1 /tmp/report 1000 >/dev/null 2>&1 </dev/null &")
    wait_report(guest)
    return guest


def wait_primary(host, name="web", timeout=300):
    """The guest runs on that host by its arbiter's word."""
    deadline = time.monotonic() + timeout
    while True:
        vm = status(host, name)
        replication = vm.get("replication", {})
        if replication.get("role") == "primary" and replication.get("arbiter", {}).get("state") == "solo":
            return replication
        assert time.monotonic() < deadline, f"{vm}\n" + host.out(f"tail -40 {dom0.BACKENDS_LOG}")
        time.sleep(0.5)


def bring_back(cluster, host):
    """A host that was off, as its operator would have it come up by itself."""
    host.start().wait_boot()
    for step in (dom0.mount_files, dom0.make_bridge):
        dom0.once(host, step)
    cluster.start(host)
    host.start_backends()
    wait_daemon(host, timeout=180)  # it waits for Corosync, which has much to tell
    cluster.wait_votes(host)


def fail_over(lab, guest, died, heir, number):
    """`died` is dead: the guest goes on on `heir`, with all it had."""
    begun = time.monotonic()
    vm = wait_primary(heir)
    lab.note(f"{heir.name} runs it after {time.monotonic() - begun:.1f} s: {json.dumps(vm)}")
    domid = guest.domid
    guest.moved(host=heir)
    assert guest.domid == domid
    assert sector(heir, number) == f"{number}" * 3
    wait_report(guest)


@test(timeout=2400, soak=True)
def failover_killed(lab):
    """The primary's host is killed: the standby takes over by itself, and the host that returns becomes its standby."""
    begun = time.monotonic()
    cluster, a, b = boot_cluster(lab)
    lab.note(f"cluster after {time.monotonic() - begun:.0f} s")
    guest = boot_guest(lab, a)
    lab.note(f"guest after {time.monotonic() - begun:.0f} s")
    lab.note(f"protected in {protect(a, b):.0f} s")
    with streaming(lab, guest):
        write_sector(guest, 1)
        time.sleep(5)
        wait_protection(a, ("replicating",))
        a.kill()
        fail_over(lab, guest, a, b, 1)
        write_sector(guest, 2)
        bring_back(cluster, a)
        begun = time.monotonic()
        wait_protection(a, ("ready",))
        wait_protection(b, ("replicating",))
        lab.note(f"protected again after {time.monotonic() - begun:.0f} s")
        write_sector(guest, 3)
    lab.note(wait_report(guest))
    lab.note(guest.out(COMPLAINTS, timeout=120))
