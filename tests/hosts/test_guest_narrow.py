# A 32-bit guest: Debian's PAE kernel, unmodified, served as the 64-bit ones are.
# SPDX-License-Identifier: Apache-2.0

from rig import image, test

FOLDER = "/root/narrow"
DISK_MIB = 8


def push_image(host):
    files = image.ensure_narrow()
    host.run(f"mkdir -p {FOLDER}")
    for name in ("vmlinux", "tiny.initrd"):
        host.push(files / name, f"{FOLDER}/{name}")


def narrow_guest(host, **options):
    push_image(host)
    return host.guest("narrow", kernel=f"{FOLDER}/vmlinux", ramdisk=f"{FOLDER}/tiny.initrd",
                      memory=192, **options)


@test(timeout=1200, soak=True)
def guest_narrow(lab):
    """Userland and two CPUs with a kernel of 32 bits; it gives memory back, and ends when asked to."""
    host = lab.boot(guests=True, memory=1536)
    guest = narrow_guest(host, vcpus=2).boot()
    assert guest.out("uname -m") == "i686"
    assert guest.out("nproc") == "2"
    lab.note(guest.out("uname -r"))

    # Both CPUs take their timer's events, and time passes as dom0 sees it pass.
    before = float(guest.out("cut -d' ' -f1 /proc/uptime")), host.clock()
    guest.run("for cpu in 1 2; do taskset $cpu sleep 3; done")
    after = float(guest.out("cut -d' ' -f1 /proc/uptime")), host.clock()
    assert abs((after[0] - before[0]) - (after[1] - before[1])) < 10
    assert abs(int(guest.out("date +%s")) - int(host.out("date +%s"))) < 60

    guest.xl("mem-set", "160")
    guest.wait_until(lambda row: row.memory <= 161)
    guest.shutdown()


@test(timeout=1200, soak=True)
def guest_narrow_devices(lab):
    """A disk and the network of a 32-bit kernel."""
    host = lab.boot(guests=True, memory=1536, disks=("64M",))
    guest = narrow_guest(host, nics=1, disks=[f"phy:{host.disk_device(0)},xvda,w"]).boot()
    assert lab.client().run(f"ping -c 3 {guest.address}").status == 0
    guest.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={DISK_MIB}")
    guest.run("dd if=/tmp/data of=/dev/xvda bs=64k conv=fsync")
    guest.run("echo 3 >/proc/sys/vm/drop_caches")
    guest.run(f"dd if=/dev/xvda bs=1M count={DISK_MIB} | cmp - /tmp/data")
