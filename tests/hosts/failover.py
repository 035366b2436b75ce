# A protected guest under load on a cluster of two emulated hosts, and what must hold whatever befalls them.
# SPDX-License-Identifier: Apache-2.0
#
#     client, which counts --- lan --- a: guest `web`, remusd, corosync ==== repl ==== b: its copy, remusd, corosync
#                         |      `---- c: the third vote: a corosync alone, or a quorum device
#                         `-- witness: who sends frames of the guest's, seen at the switch

import time
from contextlib import contextmanager

from rig import dom0
from rig.cluster import STRETCH, Cluster
from rig.wire import Cuts, Witness
from test_operator import ask, wait_daemon
from test_protect import configure, protect, status, wait_protection
from test_replicate import COMPLAINTS, DISK, boot_pair, give, sector, streaming, wait_report, write_sector

# An emulated host may stand still for seconds.
ARBITER = f"cluster = {{ lease = {2000 * STRETCH}; watchdog = {2000 * STRETCH}; window = {12000 * STRETCH}; }};\n"
PATIENCE = 300  # s for a guest to be run by the other host, or alone


def boot_cluster(lab, has_device=False, of_peer=lambda host, peer: "", prepare=lambda host: None):
    """of_peer(host, peer): what the host's configuration says of its peer besides. prepare(host): before that."""
    a, b = hosts = boot_pair(lab, cpus=1)  # their clocks and Corosync's go on better with one each on a machine of two
    for host in hosts:
        prepare(host)
    cluster = Cluster(lab, hosts, has_device)
    for host, peer in ((a, b), (b, a)):
        configure(host, peer, ARBITER, of_peer(host, peer))
    for host in hosts:
        cluster.wait_votes(host)
    return cluster, a, b


def boot_guest(lab, host):
    """A guest under a load that shows what it loses."""
    guest = host.guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"]).boot()
    start_load(lab, guest)
    return guest


def start_load(lab, guest):
    give(lab, guest, "steady", "-lpthread")
    guest.run("/tmp/steady 4 1 /tmp/report 1000 >/dev/null 2>&1 </dev/null &")
    wait_report(guest)


def wait_primary(host, name="web", timeout=PATIENCE):
    """The guest runs on that host, alone, by its arbiter's word."""
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
    start_services(cluster, host)
    wait_services(cluster, host)


def start_services(cluster, host):
    for step in (dom0.mount_files, dom0.make_bridge):
        dom0.once(host, step)
    cluster.start(host)
    host.start_backends()


def wait_services(cluster, host):
    wait_daemon(host, timeout=180)  # it waits for Corosync, which has much to tell
    cluster.wait_votes(host)


def events(host):
    reply, seen = ask(host, "events web", timeout=120)
    return reply["result"]["events"] if seen == 0 else []


def copy_state(host):
    """What the hypervisor says of the guest there: "" if there is none, else the letters of `xl list`."""
    result = host.run("xl list web", check=False, timeout=120)
    return result.out.split()[-2] if result.status == 0 else ""


class Scene:
    """The guest, on `primary`, and what may be expected of it at any time. `owners`: who ran it, one after the other."""

    def __init__(self, lab, **cluster):
        begun = time.monotonic()
        self.lab = lab
        self.cluster, self.primary, self.standby = boot_cluster(lab, **cluster)
        self.hosts = (self.primary, self.standby)
        self.guest = boot_guest(lab, self.primary)
        self.wire = Witness(lab, self.hosts, self.guest.macs[0])
        self.cuts = Cuts(lab)
        self.owners = self.primary.name
        self.sectors = 0
        self.marks = {}
        took = protect(self.primary, self.standby)
        lab.note(f"up after {time.monotonic() - begun:.0f} s, protected in {took:.0f} s")

    @contextmanager
    def load(self):
        """All that the faults within are to leave alone: a client's connection, memory, the clock, the kernel's peace."""
        before = self.complaints()
        with streaming(self.lab, self.guest):
            self.begin("")
            self.write()
            yield self
        self.lab.note(wait_report(self.guest))
        after = self.complaints()
        assert after == before, f"the guest's kernel complains of what has happened: {after[len(before):]}"

    def complaints(self):
        """Its kernel has some of an emulated machine from the beginning."""
        return self.guest.out(COMPLAINTS, timeout=120).splitlines()

    def ports(self, host, *links):
        return [host.taps[link] for link in links or host.taps]

    # --- a fault ---

    def begin(self, name):
        """A fault comes now: from here on times and events count."""
        self.name = name
        self.marks = {host.name: max((event["number"] for event in events(host)), default=0) for host in self.hosts}
        self.since = time.time()

    def write(self):
        """A sector, and a client has seen a frame that left the guest after it: it must not be lost."""
        write_sector(self.guest, self.sectors + 1)
        self.reach()
        self.sectors += 1

    def reach(self, timeout=240):
        """A client hears the guest."""
        deadline = time.monotonic() + timeout
        while self.lab.client().run(f"ping -c 1 -W 20 {self.guest.address}", check=False).status:
            assert time.monotonic() < deadline, f"{self.name}: the guest does not answer"

    def check_wire(self):
        seen = self.wire.owners()
        assert seen == self.owners, f"{self.name}: frames of the guest left {seen}, not {self.owners}"

    def check_copies(self):
        """Where it is not the primary's it does not run."""
        state = copy_state(self.standby)
        assert not state or "p" in state, f"{self.name}: {self.standby.name} runs a copy: {state}"
        deadline = time.monotonic() + 60
        while "p" in (copy_state(self.primary) or "p"):  # it stands for a moment at each cut
            assert time.monotonic() < deadline, f"{self.name}: {self.primary.name} does not run it"
        self.check_wire()

    def check_disk(self):
        for number in range(1, self.sectors + 1):
            assert sector(self.primary, number) == f"{number}" * 3, f"{self.name}: sector {number} is lost"

    # --- its end ---

    def taken_over(self):
        """The other host goes on with the guest, with all it had."""
        domid = self.guest.domid
        replication = wait_primary(self.standby)
        self.primary, self.standby = self.standby, self.primary
        self.owners += self.primary.name
        self.guest.moved(host=self.primary)
        assert self.guest.domid == domid
        self.reach()
        silence = self.wire.first(self.primary.name, self.since) - self.since
        self.lab.note(f"{self.name}: {self.primary.name} sends {silence:.1f} s later, generation "
                      f"{replication['generation']}")
        self.check_wire()
        self.check_disk()
        wait_report(self.guest)
        self.told(self.primary, "took-over")

    def alone(self):
        """The primary goes on without the standby."""
        wait_primary(self.primary)
        self.lab.note(f"{self.name}: {self.primary.name} alone {time.time() - self.since:.1f} s later")
        self.reach()
        self.check_wire()
        self.told(self.primary, "alone")

    def protected(self):
        """By itself, and everything is as it was."""
        begun = time.monotonic()
        wait_protection(self.standby, ("ready",))
        wait_protection(self.primary, ("replicating",))
        self.lab.note(f"{self.name}: protected again after {time.monotonic() - begun:.0f} s")
        self.write()
        self.check_copies()
        self.check_disk()

    def told(self, host, *words, timeout=120):
        """The operator reads of it there."""
        deadline = time.monotonic() + timeout
        while True:
            seen = [event["event"] for event in events(host) if event["number"] > self.marks[host.name]]
            if set(words) <= set(seen):
                return
            assert time.monotonic() < deadline, f"{self.name}: {host.name} tells {seen}, not {words}"
            time.sleep(2)

    def unmoved(self, seconds):
        """Nothing comes of it: the same host runs the guest, protected, all that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            vm = status(self.primary)
            assert vm["protection"] == "replicating", f"{self.name}: {vm}"
            assert status(self.standby)["protection"] == "ready", f"{self.name}: {status(self.standby)}"
            time.sleep(3)
        self.check_copies()

    def returns(self, host):
        """A host that was off."""
        bring_back(self.cluster, host)
        self.protected()
