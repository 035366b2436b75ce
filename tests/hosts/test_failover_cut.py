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


@test(timeout=3600, soak=True)
def failover_link_cut(lab):
    """The replication link is cut, both ways, then one way, then the cluster's words: the primary keeps the guest."""
    scene = Scene(lab)
    with scene.load():
        a, b = scene.hosts
        scene.begin("replication link cut")
        scene.cuts.silence(*scene.ports(a, "repl"), *scene.ports(b, "repl"))
        scene.alone()
        scene.told(a, "standby-lost")
        scene.told(b, "outdated")
        scene.cuts.mend()
        scene.protected()

        scene.begin("replication link cut, one way")
        scene.cuts.silence(*scene.ports(b, "repl"))
        scene.alone()
        scene.cuts.mend()
        scene.protected()

        scene.begin("cluster cut")
        scene.cuts.silence(*scene.ports(a), what=COROSYNC)
        scene.cuts.deafen(*scene.ports(a), what=COROSYNC)
        scene.unmoved(60)
        scene.write()
        mend(scene)
        scene.unmoved(10)


@test(timeout=3600, soak=True)
def failover_host_cut(lab):
    """The primary is cut off from all, then the next one can only hear: the other side takes over, the one that was cut off holds."""
    scene = Scene(lab)
    with scene.load():
        for is_deaf in (True, False):
            old = scene.primary
            scene.begin(f"{old.name} cut off" if is_deaf else f"{old.name} is not heard")
            scene.cuts.silence(*scene.ports(old))
            if is_deaf:
                scene.cuts.deafen(*scene.ports(old))
            scene.taken_over()
            scene.write()
            mend(scene)
            scene.told(old, "dropped")
            scene.protected()
