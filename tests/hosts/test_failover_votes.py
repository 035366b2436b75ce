# What decides who runs the guest besides three votes and time: fence agents, a quorum device; and its loss of everything.
# SPDX-License-Identifier: Apache-2.0
#
#     a: remusd --- fence_remus_qmp --- TCP ---> the rig's Power, which kills the QEMU of b        (and the other way round)
#     a: corosync-qdevice ----> corosync-qnetd in a namespace <---- b: corosync-qdevice

from failover import Scene, start_services, wait_primary, wait_services
from rig import test
from rig.machine import ROOT
from rig.power import Power
from test_failover import kill

AGENT = "/usr/local/sbin/fence_remus_qmp"


def with_agents(power):
    """Each host may put its peer off."""
    def of_peer(host, peer):
        host.push(ROOT / "tests/hosts/programs/fence_remus_qmp.py", AGENT, 0o755)
        path = f"/etc/remus/fence-{peer.name}"
        host.run(f"umask 077 && cat >{path}", stdin=power.options(peer.name).encode())
        return f'agents = ( {{ program = "{AGENT}"; options = "{path}"; }} );'
    return of_peer


@test(timeout=3600, soak=True)
def failover_fenced(lab):
    """A primary that dies or hangs is put off by an agent, and nobody waits for its lease; an agent that fails leaves it to time."""
    power = Power(lab, lab.client())
    scene = Scene(lab, of_peer=with_agents(power))
    with scene.load():
        kill(scene, scene.primary)
        scene.taken_over()
        scene.told(scene.primary, "fenced")
        assert ("off", scene.standby.name) in power.asked, power.asked
        scene.returns(scene.standby)

        old = scene.primary
        scene.begin(f"{old.name} hung")
        old.stop()
        scene.taken_over()
        assert old.process.poll() is not None
        scene.returns(old)

        power.is_dead = True
        kill(scene, scene.primary)
        scene.taken_over()
        scene.told(scene.primary, "fence-failed")
        power.is_dead = False
        scene.returns(scene.standby)


def start_all(scene):
    """Both hosts come up, at the same time; the guest boots from its disk on the one that ran it."""
    for host in scene.hosts:
        host.start()
    for host in scene.hosts:
        host.wait_boot()
        scene.guest.console.begins_anew(host)
        start_services(scene.cluster, host)
    for host in scene.hosts:
        wait_services(scene.cluster, host)
    wait_primary(scene.primary)
    scene.guest.moved(host=scene.primary)
    scene.guest.wait_boot()


@test(timeout=3600, soak=True)
def failover_device(lab):
    """Two hosts and a quorum device: its loss moves nothing; the primary's death is survived; so is that of everything."""
    scene = Scene(lab, has_device=True)
    with scene.load():
        scene.begin("qnetd lost")
        scene.cluster.third.kill()
        for host in scene.hosts:
            scene.cluster.wait_votes(host, 2)
        scene.unmoved(60)
        scene.write()
        scene.cluster.start_third()
        for host in scene.hosts:
            scene.cluster.wait_votes(host)
        scene.unmoved(10)

        kill(scene, scene.primary)
        scene.taken_over()
        scene.returns(scene.standby)
    scene.begin("all off and on")
    for host in scene.hosts:
        host.kill()
    start_all(scene)
    scene.protected()
