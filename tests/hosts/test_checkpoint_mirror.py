# Guests are captured while they run, epoch after epoch, into a shadow that has to have the same memory.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0: remus-bounce --- guest `web` == epochs ==> paused domain `web--shadow`

import re

from rig import dom0, test

# CPU writes; grant copies both ways, by disk and network; pages that come and go.
LOADS = ("dd if=/dev/urandom of=/tmp/a bs=64k count=32",
         "dd if=/dev/urandom of=/dev/xvda bs=16k count=64 oflag=direct",
         "dd if=/dev/xvda of=/dev/null bs=16k count=64 iflag=direct",
         "ping -c 50 -i 0 -s 1000 {dom0}")


def install(host):
    dom0.once(host, dom0.install)


def load(guest, commands):
    for command in commands:
        guest.run(f"(while :; do {command.format(dom0=guest.host.address())} || sleep 1; done) "
                  ">/dev/null 2>&1 </dev/null &")


def mirror(lab, guest, epochs, interval, timeout):
    """That many epochs, with equal hashes after each."""
    text = guest.host.out(f"remus-bounce --check --epochs {epochs} --interval {interval} "
                          f"{guest.name} 2>&1", timeout=timeout)
    figures = re.search(r"^(\d+) epochs, .*$", text, re.MULTILINE)
    assert figures and int(figures[1]) == epochs, text
    assert "; 0 old versions checked" not in text, text
    lab.note(figures[0])
    assert guest.out("echo alive") == "alive"
    assert guest.host.run(f"xl domid {guest.name}--shadow", check=False).status, "a shadow is left"


@test(timeout=900, soak=True)
def checkpoint_mirror(lab):
    """20 epochs of a busy guest: after each its shadow has the same memory."""
    host = lab.boot(toolstack=True, guests=True)
    install(host)
    guest = host.guest("web", vcpus=2, memory=96).boot()
    load(guest, LOADS[:1])
    mirror(lab, guest, 20, 25, timeout=600)
    guest.destroy()


@test(timeout=10800, soak=True)
def checkpoint_mirror_long(lab):
    """1000 epochs under writes by CPUs, disk and network, while the balloon goes up and down."""
    host = lab.boot(toolstack=True, guests=True, memory=2048)
    host.run("truncate -s 64M /srv/data.img")
    guest = host.guest("web", vcpus=2, memory=128, nics=1,
                       disks=["/srv/data.img,raw,xvda,w"]).boot()
    install(host)
    load(guest, LOADS)
    host.run("(while :; do xl mem-set web 112; sleep 3; xl mem-set web 128; sleep 3; done) "
             ">/dev/null 2>&1 </dev/null &")
    mirror(lab, guest, 1000, 25, timeout=10000)
    guest.destroy()
