# Hosts of a cluster die, hang and crash, and nobody types anything: the guest goes on, and is protected again.
# SPDX-License-Identifier: Apache-2.0
#
#     client --- lan --- a: guest `web`, remusd, corosync ==== repl ==== b: its copy, remusd, corosync
#                  `---- c: corosync alone, the third vote --------------'

import time

from failover import Scene
from rig import test


def kill(scene, host):
    scene.begin(f"{host.name} killed")
    host.kill()


def crash(scene, host):
    """Its dom0's kernel; the hypervisor resets the machine, and QEMU ends."""
    scene.begin(f"dom0 of {host.name} crashed")
    host.run("(sleep 0.5; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")
    host.wait_exit(120)
    scene.lab.note(f"{host.name} was reset {time.time() - scene.since:.1f} s later")


@test(timeout=2400, soak=True)
def failover_killed(lab):
    """The primary's host is killed: the standby takes over by itself, and the host that returns becomes its standby."""
    scene = Scene(lab)
    with scene.load():
        kill(scene, scene.primary)
        scene.taken_over()
        scene.told(scene.primary, "primary-lost")
        scene.write()
        scene.returns(scene.standby)


@test(timeout=2400, soak=True)
def failover_standby_killed(lab):
    """The standby's host is killed: the primary goes on alone, and is protected again when it is back."""
    scene = Scene(lab)
    with scene.load():
        kill(scene, scene.standby)
        scene.alone()
        scene.told(scene.primary, "standby-lost")
        scene.write()
        scene.returns(scene.standby)


def hang_primary(scene):
    """For longer than it has a right: its hypervisor resets it as soon as it wakes."""
    old = scene.primary
    scene.begin(f"{old.name} hung")
    old.stop()
    scene.taken_over()
    scene.write()
    old.cont()
    old.console.expect(r"domain 0 has not fed its watchdog", timeout=120, failing=True)
    assert old.wait_exit(120) == "guest-reset"
    scene.check_wire()
    scene.returns(old)


def hang_standby(scene):
    """Until the primary goes on alone: when it wakes it gives its copy up, and gets another."""
    old = scene.standby
    scene.begin(f"{old.name} hung, the standby")
    old.stop()
    scene.alone()
    scene.write()
    old.cont()
    scene.told(old, "outdated")
    scene.protected()


@test(timeout=3600, soak=True)
def failover_hung(lab):
    """The primary hangs, then the standby: what wakes is reset or gives way, and sends nothing."""
    scene = Scene(lab)
    with scene.load():
        hang_primary(scene)
        hang_standby(scene)


@test(timeout=3600, soak=True)
def failover_dom0_crash(lab):
    """The kernel of the primary's dom0 crashes, then that of the standby's: the host is reset, and all goes on as if it had died."""
    scene = Scene(lab)
    with scene.load():
        crash(scene, scene.primary)
        scene.taken_over()
        scene.returns(scene.standby)
        crash(scene, scene.standby)
        scene.alone()
        scene.returns(scene.standby)
