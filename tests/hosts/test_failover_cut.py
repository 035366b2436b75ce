# Cables of a cluster are cut, one or all, one way or both, and mended: at most one host sends what the guest says.
# SPDX-License-Identifier: Apache-2.0
#
#     a ---- repl ---- b        Cuts are made in the switch; the witness sees what a host sends before it is cut away.
#      `---- lan  ----'`---- c

from failover import Scene
from rig import test

COROSYNC = "udp dport 5405-5412"


def mend(scene):
    scene.cuts.mend()
    for host in scene.hosts:
        scene.cluster.wait_votes(host)


def cut_replication(scene, *deaf_to):
    """What these hosts send over the link is lost."""
    scene.begin(f"replication link cut, from {' and '.join(host.name for host in deaf_to)}")
    for host in deaf_to:
        scene.cuts.silence(*scene.ports(host, "repl"))
    scene.alone()
    scene.told(scene.standby, "outdated")
    scene.cuts.mend()
    scene.protected()


def cut_cluster(scene):
    """The primary is alone there, and is not without its standby."""
    scene.begin("cluster cut")
    scene.cuts.silence(*scene.ports(scene.primary), what=COROSYNC)
    scene.cuts.deafen(*scene.ports(scene.primary), what=COROSYNC)
    scene.unmoved(60)
    scene.write()
    mend(scene)
    scene.unmoved(10)


def cut_off(scene, can_hear):
    """The primary, from all: it holds, hears in the end of the other one, and gives way."""
    old = scene.primary
    scene.begin(f"{old.name} is not heard" if can_hear else f"{old.name} cut off")
    scene.cuts.silence(*scene.ports(old))
    if not can_hear:
        scene.cuts.deafen(*scene.ports(old))
    scene.taken_over()
    scene.write()
    mend(scene)
    scene.told(old, "dropped")
    scene.protected()


@test(timeout=3600, soak=True)
def failover_link_cut(lab):
    """The replication link is cut, both ways, then one way, then the cluster's words: the primary keeps the guest."""
    scene = Scene(lab)
    with scene.load():
        cut_replication(scene, *scene.hosts)
        cut_replication(scene, scene.standby)
        cut_cluster(scene)


@test(timeout=3600, soak=True)
def failover_host_cut(lab):
    """The primary is cut off from all, then the next one can only hear: the other side takes over."""
    scene = Scene(lab)
    with scene.load():
        cut_off(scene, can_hear=False)
        cut_off(scene, can_hear=True)
