# Parts of a host fail, not the host: protection is restored without an operator, and the guest's work goes on.
# SPDX-License-Identifier: Apache-2.0
#
#     a: remusd, remus-primary, remus-backend, the guest's image          b: remusd, remus-standby, its image

import time

from failover import Scene
from rig import dom0, test
from test_operator import wait_daemon
from test_replicate import DISK, write_sector

SECTORS = 131072  # of the image


def kill_worker(scene, host, program):
    scene.begin(f"{program} of {host.name} killed")
    host.run(f"kill -9 $(pidof {program})")
    time.sleep(5)
    scene.protected()


def kill_daemon(scene, host):
    """Its unit starts it again."""
    scene.begin(f"remusd of {host.name} killed")
    host.run("pkill -9 -x remusd")
    time.sleep(1)
    dom0.start_daemon(host)
    wait_daemon(host, timeout=180)
    time.sleep(5)
    scene.protected()


@test(timeout=3600, soak=True)
def failover_parts(lab):
    """Workers and daemons of either side are killed: nobody takes over, the guest is protected again by itself."""
    scene = Scene(lab)
    with scene.load():
        a, b = scene.hosts
        kill_worker(scene, a, "remus-backend")
        kill_worker(scene, a, "remus-primary")
        kill_worker(scene, b, "remus-standby")
        kill_daemon(scene, b)
        kill_daemon(scene, a)


def map_image(host):
    """Between the image and its path lies a device that can be made to fail."""
    host.run(f"modprobe -a dm-mod loop; mv {DISK} {DISK}.real; loop=$(losetup --find --show {DISK}.real); "
             f"export DM_DISABLE_UDEV=1; dmsetup create web --table \"0 {SECTORS} linear $loop 0\" && "
             f"dmsetup table web >/run/web.table && ln -s /dev/mapper/web {DISK}")


def switch_image(host, table):
    host.run(f"export DM_DISABLE_UDEV=1; dmsetup suspend --noflush web && {table} | dmsetup load web && dmsetup resume web")


def fail_image(host):
    switch_image(host, f"echo 0 {SECTORS} error")


def mend_image(host):
    switch_image(host, "cat /run/web.table")


def fail_standby_disk(scene):
    """The copy is given up."""
    scene.begin("the standby's image fails")
    fail_image(scene.standby)
    write_sector(scene.guest, scene.sectors + 1)
    scene.alone()
    mend_image(scene.standby)
    scene.protected()


def fail_primary_disk(scene):
    """The guest is told, as by any disk; all else of it goes on."""
    scene.begin("the primary's image fails")
    fail_image(scene.primary)
    scene.guest.run("! dd if=/dev/zero of=/dev/xvda bs=512 seek=100 count=1 conv=fsync", timeout=120)
    scene.reach()
    mend_image(scene.primary)
    scene.protected()


@test(timeout=3600, soak=True)
def failover_disk(lab):
    """The image fails at the standby, then at the primary: the guest runs on, and is protected once all is mended."""
    scene = Scene(lab, prepare=map_image)
    with scene.load():
        fail_standby_disk(scene)
        fail_primary_disk(scene)
