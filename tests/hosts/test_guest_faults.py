# Guests and dom0's daemons that end in the midst of things: the rest goes on.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a ---- guest "victim", which it happens to;  guest "witness", which must not notice

import time

from rig import dom0, test


@test(timeout=1200, soak=True)
def guest_ends(lab):
    """A guest powers off, reboots or crashes by itself; xl does what the configuration says."""
    host = lab.boot(guests=True)
    before = dom0.traces(host)
    witness = host.guest("witness").boot()
    with_witness = dom0.traces(host)
    victim = host.guest("victim", on_crash="preserve").boot()

    first = victim.domid
    victim.run("(sleep 1; reboot -f) &")
    victim.wait_boot()
    assert victim.domid > first

    victim.run("(sleep 1; poweroff -f) &")
    victim.wait_gone()
    dom0.wait_traces(host, with_witness)

    victim.boot()
    victim.run("(sleep 1; echo c >/proc/sysrq-trigger) &")
    row = victim.wait_until(lambda row: "c" in row.state, 60, "has not crashed")
    assert row.domid == victim.domid
    victim.destroy()
    dom0.wait_traces(host, with_witness)

    witness.run("true")
    witness.shutdown()
    dom0.wait_traces(host, before)


def verify(guest, device):
    """16 MiB of noise survive the way to the disk and back."""
    guest.run("dd if=/dev/urandom of=/tmp/written bs=1M count=16 2>/dev/null && "
              f"dd if=/tmp/written of={device} bs=1M conv=fsync 2>/dev/null && "
              "echo 3 >/proc/sys/vm/drop_caches && "
              f"dd if={device} bs=1M count=16 2>/dev/null | cmp - /tmp/written", timeout=180)


@test(timeout=2400, soak=True)
def guest_destroyed_in_io(lab):
    """Guests are destroyed while their disk and NIC are busy; their disk can be used again."""
    host = lab.boot(guests=True, memory=1792, disks=("256M", "256M"))
    before = dom0.traces(host)
    witness = host.guest("witness", nics=1, disks=[f"phy:{host.disk_device(0)},xvda,w"]).boot()
    with_witness = dom0.traces(host)
    victim = host.guest("victim", nics=1, disks=[f"phy:{host.disk_device(1)},xvda,w"])
    for _ in range(3):
        victim.boot()
        victim.run("(while :; do dd if=/dev/zero of=/dev/xvda bs=1M count=200; done) 2>/dev/null &")
        victim.run(f"ping -i 0.01 -s 8000 {lab.client().addresses['lan']} >/dev/null &")
        time.sleep(2)
        victim.destroy()
        verify(witness, "/dev/xvda")
        lab.client().run(f"ping -c 3 -W 5 {witness.address}")
        dom0.wait_traces(host, with_witness)
    victim.boot()
    verify(victim, "/dev/xvda")
    victim.shutdown()
    witness.shutdown()
    dom0.wait_traces(host, before)


@test(timeout=1200)
def guest_xenconsoled(lab):
    """xenconsoled is restarted, and killed and started again: guests go on, and so do consoles."""
    host = lab.boot(guests=True)
    guest = host.guest("web").boot()
    # More than the console's ring holds is printed while nobody reads it.
    guest.run("(sleep 3; for i in $(seq 1000); do echo line $i; done >/dev/hvc0) &")
    for signal in ("TERM", "KILL"):
        host.run(f"kill -{signal} $(cat /run/xenconsoled.pid)")
        host.run("while pgrep xenconsoled; do sleep 0.1; done", timeout=20)
        time.sleep(5)
        host.run(f"xenstore-rm /local/domain/{guest.domid}/console/tty")
        host.run("/usr/lib/xen-4.17/bin/xenconsoled --pid-file=/run/xenconsoled.pid --log=guest "
                 "--log-dir=/var/log/xen/console")
        host.run(f"until xenstore-exists /local/domain/{guest.domid}/console/tty; do sleep 0.1; "
                 "done", timeout=20)
        assert guest.out("echo alive") == "alive"
    guest.console.expect(r"^line 1000$")
    guest.shutdown()
