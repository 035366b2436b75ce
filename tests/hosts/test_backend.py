# Our network and disk backends: what guests get from them, and what happens when they die.
# SPDX-License-Identifier: Apache-2.0
#
#     client (10.66.0.1) ---- lan ---- eth0 of dom0 -- bridge xenbr0 -- vifD.0 -- remus-backend D -- eth0 of the guest
#                                            dom0: /srv/NAME.img -- remus-backend D -- xvda, xvdb, ... of the guest

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

from rig import dom0, test
from rig.machine import ROOT

LOG = "/var/log/remusd.log"
SCRIBBLE = ROOT / "tests/hosts/programs/scribble.py"
HOLDER = ROOT / "tests/hosts/programs/holder.py"

# A PV dom0 forks so slowly under emulation that the stock scripts run into libxl's timeout. These do
# what those would; xen-core's dom0 is given the stock ones.
QUICK_BLOCK = """#!/bin/busybox sh
[ "$1" = add ] || exit 0
path=$(xenstore-read "$XENBUS_PATH/params")
xenstore-write "$XENBUS_PATH/physical-device-path" "$path" "$XENBUS_PATH/physical-device" 0:0 \
"$XENBUS_PATH/hotplug-status" connected
"""
QUICK_VIF = """#!/bin/busybox sh
[ "$1" = online ] || exit 0
ip link set "$vif" master xenbr0 up
xenstore-write "$XENBUS_PATH/hotplug-status" connected
"""


def launch_remusd(host):
    host.run(f"setsid remusd </dev/null >>{LOG} 2>&1 &")


def install(host):
    """Ours serve the guests of this host, whatever hypervisor it runs."""
    dom0.install(host)
    for name, text in (("quick-block", QUICK_BLOCK), ("quick-vif", QUICK_VIF)):
        host.run(f"cat >/etc/xen/scripts/{name} && chmod +x /etc/xen/scripts/{name}",
                 stdin=text.encode())
    host.run("modprobe -a tun loop")
    host.prepared.add(dom0.start_backends)
    launch_remusd(host)


def boot_host(lab, **settings):
    host = lab.boot(toolstack=True, guests=True, **({"memory": 2048} | settings))
    install(host)
    return host


def script(host, kind):
    return f",script=quick-{kind}" if host.settings.hypervisor == "xen" else ""


def make_disk(host, name, size="128M", device="xvda", mode="w"):
    """An empty image, as a disk in xl's notation."""
    host.run(f"truncate -s {size} /srv/{name}.img")
    return f"/srv/{name}.img,raw,{device},{mode}{script(host, 'block')}"


def boot_guest(lab, host, name, disks=(), **settings):
    number = len(lab.guests) + 1
    vif = [f"bridge={dom0.BRIDGE},mac=00:16:3e:66:00:{number:02x}{script(host, 'vif')}"]
    return host.guest(name, disks=list(disks), nics=1, vif=vif, **settings).boot()


def log(host):
    return host.out(f"cat {LOG}")


def kill_worker(host):
    """What the most wicked of deaths is to a process; the next one, if it is only just coming."""
    host.run("for i in $(seq 100); do pkill -9 -x remus-backend && exit; sleep 0.1; done; exit 1")


def check_alone(host):
    """The kernel's back ends, which would serve the same devices, are kept away."""
    for module in ("xen-netback", "xen-blkback"):
        assert host.run(f"modprobe {module}", check=False).status, f"{module} can be loaded"
    assert not host.out("lsmod | grep -E '^xen_(net|blk)back' || true")


# --- disks ---

def write_and_read(guest, size, count, start):
    """Write random blocks past the guest's cache, read them back, compare."""
    guest.run(f"dd if=/dev/urandom of=/tmp/a bs={size} count={count} 2>/dev/null && "
              f"dd if=/tmp/a of=/dev/xvda bs={size} seek={start} oflag=direct 2>/dev/null && "
              f"dd if=/dev/xvda of=/tmp/b bs={size} skip={start} count={count} iflag=direct "
              "2>/dev/null && cmp /tmp/a /tmp/b", timeout=180)


def check_disk(host, guest):
    for size, count in (("512", 64), ("4k", 128), ("64k", 32), ("1M", 8)):
        write_and_read(guest, size, count, start=3)
    # Through the page cache, many requests at once, then a flush.
    guest.run("dd if=/dev/urandom of=/tmp/a bs=1M count=16 2>/dev/null && "
              "dd if=/tmp/a of=/dev/xvda bs=1M seek=32 conv=fsync 2>/dev/null", timeout=180)
    seen = guest.out("md5sum </tmp/a", timeout=60)
    assert host.out("dd if=/srv/data.img bs=1M skip=32 count=16 2>/dev/null | md5sum") == seen


@test(timeout=900, soak=True)
def guest_backend_disks(lab):
    """Blocks from 512 bytes to 1 MiB, flush, discard, a read-only disk, a block device."""
    host = boot_host(lab)
    loop = host.out("truncate -s 32M /srv/loop.img && losetup -f --show /srv/loop.img")
    guest = boot_guest(lab, host, "disks", [
        make_disk(host, "data"), make_disk(host, "fixed", "8M", "xvdb", "r"),
        f"{loop},raw,xvdc,w{script(host, 'block')}"])
    check_alone(host)
    check_disk(host, guest)

    assert guest.run("dd if=/dev/zero of=/dev/xvdb bs=4k count=1 oflag=direct",
                     check=False).status != 0, "a read-only disk was written"
    guest.run("dd if=/dev/urandom of=/dev/xvdc bs=64k count=4 oflag=direct 2>/dev/null")
    assert guest.out("md5sum </dev/xvdc") == host.out(f"md5sum <{loop}")

    before = int(host.out("stat -c %b /srv/data.img"))
    assert int(guest.out("cat /sys/block/xvda/queue/discard_max_bytes")) > 0
    guest.run("blkdiscard /dev/xvda || busybox blkdiscard /dev/xvda")
    assert int(host.out("stat -c %b /srv/data.img")) < before / 2, "discard freed nothing"
    seen = guest.out("dd if=/dev/xvda bs=1M skip=32 count=16 iflag=direct 2>/dev/null | md5sum")
    assert seen == guest.out("head -c 16777216 /dev/zero | md5sum"), "what was discarded is still read"
    guest.destroy()
    leftovers(host)


# --- network ---

def stream(sender, receiver, address, family=""):
    """Send 16 MiB of a fixed pattern by TCP; seconds it took. Ends are objects with run()."""
    # The socket is the programs' own: busybox's nc would end with its input, before its output.
    make = "yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c 16777216"
    wanted = sender.run(f"{make} | md5sum", timeout=60).out
    with ThreadPoolExecutor() as pool:
        heard = pool.submit(receiver.run, f"busybox nc {family} -l -p 5001 -e sh -c 'md5sum >&2'",
                            timeout=240)
        time.sleep(3)
        start = time.monotonic()
        sender.run(f"busybox nc {address} 5001 -e sh -c '{make}'", timeout=240)
        got = heard.result().err
    assert got == wanted, f"sent {wanted}, arrived {got}"
    return time.monotonic() - start


def check_network(lab, host, guest):
    """TCP both ways over both families, a flood of pings, then all that with large frames."""
    guest.run("ip address add fd00:66::2/64 dev eth0")
    host.run(f"ip address add fd00:66::1/64 dev {dom0.BRIDGE}", check=False)
    time.sleep(3)  # until duplicate addresses are ruled out
    for mtu in (1500, 9000):
        vif = f"vif{guest.domid}.0"
        host.run(f"ip link set {vif} mtu {mtu}; ip link set {dom0.BRIDGE} mtu {mtu}", check=False)
        guest.run(f"ip link set eth0 mtu {mtu}")
        for name, ours, theirs in (("IPv4", host.address(), guest.address),
                                   ("IPv6", "fd00:66::1", "fd00:66::2")):
            sent = stream(guest, host, ours)
            received = stream(host, guest, theirs)
            lab.note(f"{name}, MTU {mtu}: guest sends {16 / sent:.1f} MiB/s, "
                     f"receives {16 / received:.1f} MiB/s")
        host.run(f"ping -c 3 -W 10 -M do -s {mtu - 28} {guest.address}")
    flood = host.run(f"ping -f -c 2000 -W 10 {guest.address}", check=False, timeout=240).out
    lost = float(re.search(r"([\d.]+)% packet loss", flood)[1])
    lab.note(f"flood of 2000 pings: {lost}% lost")
    assert lost < 1


@test(timeout=1200, soak=True)
def guest_backend_network(lab):
    host = boot_host(lab)
    guest = boot_guest(lab, host, "net", memory=192)
    check_network(lab, host, guest)
    assert lab.client().run(f"ping -c 3 -W 10 {guest.address}", check=False).status in (0, 127)
    guest.destroy()
    leftovers(host)


# --- death, garbage, what is left ---

LOAD = r"""
i=0
while [ $i -lt 24 ] || [ ! -e /tmp/enough ]; do
	place=$((i % 24 * 4))
	dd if=/dev/urandom of=/tmp/p bs=256k count=4 2>/dev/null
	dd if=/tmp/p of=/dev/xvda bs=256k seek=$place oflag=direct 2>/dev/null || echo write $i failed
	md5sum </tmp/p >>/tmp/written
	dd if=/dev/xvda bs=256k skip=$place count=4 iflag=direct 2>/dev/null | md5sum >>/tmp/read
	i=$((i + 1))
done
cmp /tmp/written /tmp/read
dd if=/dev/xvda bs=1M count=24 iflag=direct 2>/dev/null | md5sum
"""


def check_kills(lab, host, guest):
    """Ten workers are killed while the guest writes, reads and is pinged; nothing is lost."""
    with ThreadPoolExecutor() as pool:
        load = pool.submit(guest.run, LOAD, check=False, timeout=500)
        for _ in range(10):
            time.sleep(3)
            kill_worker(host)
        guest.run("touch /tmp/enough")
        result = load.result()
    assert not result.status and "failed" not in result.out and "differ" not in result.out, result
    assert result.out.split()[-2] == host.out("head -c 25165824 /srv/data.img | md5sum").split()[0]
    host.run(f"ping -c 3 -W 10 {guest.address}")
    assert guest.run("dmesg | grep -E 'xvda: (response|error)|I/O error'", check=False).out == ""


@test(timeout=1200, soak=True)
def guest_backend_killed(lab):
    host = boot_host(lab)
    guest = boot_guest(lab, host, "killed", [make_disk(host, "data")])
    check_kills(lab, host, guest)
    # The supervisor goes as well, and another comes.
    host.run("pkill -9 -x remusd; sleep 1")
    launch_remusd(host)
    write_and_read(guest, "64k", 16, start=0)
    host.run(f"ping -c 3 -W 10 {guest.address}")
    guest.shutdown()
    leftovers(host)


SHORT_LOAD = r"""
for i in $(seq 0 31); do
	dd if=/dev/urandom of=/tmp/p bs=64k count=4 2>/dev/null
	dd if=/tmp/p of=/dev/xvda bs=64k seek=$((i * 4)) oflag=direct 2>/dev/null || exit 1
	cat /tmp/p >>/tmp/all
done
md5sum </tmp/all
dd if=/dev/xvda bs=256k count=32 iflag=direct 2>/dev/null | md5sum
"""


@test(timeout=900, soak=True)
def guest_backend_few(lab):
    """What is written is read again, pings are answered, and a killed worker is not missed."""
    host = boot_host(lab)
    guest = boot_guest(lab, host, "few", [make_disk(host, "data", "32M")])
    # Nobody else has these addresses: they need not be tried out.
    guest.run("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; "
              "ip address add fd00:66::2/64 dev eth0")
    host.run(f"ip address add fd00:66::1/64 dev {dom0.BRIDGE} nodad")
    with ThreadPoolExecutor() as pool:
        load = pool.submit(guest.run, SHORT_LOAD, timeout=120)
        host.run("for i in $(seq 600); do [ $(stat -c %b /srv/data.img) -gt 1000 ] && break; "
                 "sleep 0.1; done", timeout=90)
        kill_worker(host)
        assert not load.done(), "the load was over before the worker was killed"
        written, read = load.result().out.split("-")[:2]
    assert written.strip() == read.strip(), "what was read is not what was written"
    assert host.out("head -c 8388608 /srv/data.img | md5sum").split()[0] == written.strip()
    for address in (guest.address, "fd00:66::2"):
        host.run(f"ping -c 3 -W 10 {address}")
    lab.client().run(f"ping -c 3 -W 10 {guest.address}")
    guest.shutdown()
    leftovers(host)


def frames_out(host, guest):
    """Frames, of whatever kind, that have left the guest for the host's network."""
    return int(host.out(f"cat /sys/class/net/vif{guest.domid}.0/statistics/rx_packets"))


def hold(host, guest, end):
    """Start a holder of the guest's output, which releases nothing yet; wait until it holds."""
    host.run(f"rm -f /run/held /run/release /run/enough; "
             f"setsid python3 /run/holder.py {guest.domid} {end} </dev/null >/run/held 2>&1 &")
    host.run("until grep -q 'held 1' /run/held; do pgrep -f '[h]older.py' >/dev/null || break; sleep 0.2; done; "
             "grep -q 'held 1' /run/held || { cat /run/held; exit 1; }", timeout=120)


def said(host, timeout=120):
    """End the holder; what it says then."""
    host.run(f"touch /run/enough; for i in $(seq {timeout}); do grep -q longest_ms /run/held && exit; sleep 1; done; "
             "cat /run/held; exit 1", timeout=timeout + 60)
    lines = host.out("cat /run/held")
    return dict((name, float(value)) for name, value in (line.split() for line in lines.splitlines()))


def check_nothing_leaves(host, guest, client):
    """No frame of any EtherType, whoever asks; not even when the worker is another."""
    before = frames_out(host, guest)
    guest.run("ip neigh flush all; ping -c 1 -w 1 10.66.0.1; ping -6 -c 1 -w 1 ff02::1%eth0",
              check=False)
    assert host.run(f"ping -c 1 -W 2 {guest.address}", check=False).status
    assert client.run(f"ping -c 1 -W 2 {guest.address}", check=False).status
    assert frames_out(host, guest) == before, "frames left while output was held"


@test(timeout=1800, soak=True)
def guest_backend_hold(lab):
    """Held frames leave when they are released and not before, whoever dies; disk writes are noted."""
    host = boot_host(lab)
    guest = boot_guest(lab, host, "held", [make_disk(host, "data", "32M")])
    client = lab.client()
    host.push(HOLDER, "/run/holder.py", 0o755)
    client.run(f"ping -c 2 -W 10 {guest.address}")

    hold(host, guest, "die")
    check_nothing_leaves(host, guest, client)
    host.run("touch /run/release")
    client.run(f"ping -c 3 -W 10 {guest.address}")
    write_and_read(guest, "64k", 16, start=0)
    sums = said(host)
    lab.note(f"{sums['epochs']:.0f} epochs, stopped for {sums['longest_ms']} ms at most")
    assert sums["flags"] == 0 and sums["epochs"] > 50 and sums["wanted"] > 0, sums
    assert sums["sectors"] >= 16 * 128, sums

    # It has died without a word: everything stays held. So it does with another worker.
    check_nothing_leaves(host, guest, client)
    kill_worker(host)
    host.run("for i in $(seq 50); do pgrep -x remus-backend && exit; sleep 0.2; done; exit 1",
             timeout=60)
    time.sleep(3)
    check_nothing_leaves(host, guest, client)
    write_and_read(guest, "64k", 16, start=32)
    hold(host, guest, "free")
    check_nothing_leaves(host, guest, client)
    host.run("touch /run/release")
    client.run(f"ping -c 3 -W 10 {guest.address}")
    sums = said(host)
    assert sums["flags"] == 1 and sums["sectors"] >= 16 * 128, sums
    client.run(f"ping -c 3 -W 10 {guest.address}")
    guest.shutdown()
    leftovers(host)


def scribble(host, guest, ref, seconds=3):
    host.push(SCRIBBLE, "/run/scribble.py", 0o755)
    ref = guest.store(ref)
    host.run(f"python3 /run/scribble.py {guest.domid} {ref} {seconds}", timeout=60)


def wait_for_error(host, guest, kind, number):
    """Until a device was closed, and its xenstore node says why."""
    path = f"error/backend/{kind}/{guest.domid}/{number}/error"
    host.run(f"for i in $(seq 30); do xenstore-read {path} 2>/dev/null && exit; sleep 1; done; exit 1",
             timeout=90)


def check_garbage(host, victim, other):
    """A ring full of garbage closes its device; the guest's other devices and guests go on."""
    with ThreadPoolExecutor() as pool:
        load = pool.submit(victim.run, "timeout 30 dd if=/dev/xvda of=/dev/null bs=4k iflag=direct "
                           "count=20000 2>/dev/null", check=False, timeout=90)
        time.sleep(2)
        scribble(host, victim, "device/vbd/51712/ring-ref")
        wait_for_error(host, victim, "vbd", 51712)
        host.run(f"ping -c 3 -W 10 {victim.address}")
        load.cancel()
    # Its answers to a flood of pings are the events that make us look.
    host.run(f"ping -f -w 10 {victim.address} >/dev/null 2>&1 &")
    scribble(host, victim, "device/vif/0/tx-ring-ref")
    wait_for_error(host, victim, "vif", 0)
    if other:
        write_and_read(other, "64k", 16, start=0)
        host.run(f"ping -c 3 -W 10 {other.address}")


@test(timeout=1200, soak=True)
def guest_backend_garbage(lab):
    host = boot_host(lab)
    victim = boot_guest(lab, host, "hostile", [make_disk(host, "victim")])
    other = boot_guest(lab, host, "peaceful", [make_disk(host, "data")])
    check_garbage(host, victim, other)
    for guest in (victim, other):
        guest.destroy()
    leftovers(host)


def leftovers(host):
    """Nothing of guests that are gone is left."""
    deadline = time.monotonic() + 20
    while True:
        left = host.run("ls -I control /run/remus; ls /sys/class/net | grep vif; pgrep -x remus-backend; "
                        "xenstore-ls backend/vif; xenstore-ls backend/vbd", check=False).out
        if not left.strip():
            return
        assert time.monotonic() < deadline, f"left behind:\n{left}\n{log(host)}"
        time.sleep(1)


# --- Debian's own tools for it ---

def boot_debian(lab):
    host = boot_host(lab, memory=3072, disks=("debian",))
    path = host.disk_device(0)
    return host, boot_guest(lab, host, "debian",
                            [f"{path},raw,xvda,w{script(host, 'block')}",
                             make_disk(host, "data", "256M", "xvdb")],
                            kind="debian", memory=512)


def fio(guest, words):
    """A job on the empty disk, past the cache; its report. It fails if what it reads is not what it wrote."""
    return guest.out("fio --name=v --filename=/dev/xvdb --direct=1 --ioengine=libaio --size=64M "
                     f"--verify_fatal=1 {words}", timeout=400)


@test(timeout=3600, soak=True)
def guest_backend_fio(lab):
    """fio writes and verifies, from 4k to 1M, at depths from 1 to 32, with flushes and discards."""
    _, guest = boot_debian(lab)
    for block in ("4k", "64k", "1M"):
        for depth in (1, 8, 32):
            fio(guest, f"--rw=randwrite --bs={block} --iodepth={depth} --io_size=16M --verify=crc32c --fsync=16")
    # Each block is discarded, then written: were these two done in the other order, the block would be gone.
    for block in ("4k", "256k"):
        report = fio(guest, f"--rw=randtrimwrite --bs={block} --iodepth=16 --io_size=16M --verify=crc32c")
        assert re.search(r"issued rwts: total=([1-9]\d*),\1,\1,", report), report
    fio(guest, "--rw=randtrim --bs=64k --iodepth=8 --io_size=16M")
    for line in fio(guest, "--rw=randrw --bs=4k --iodepth=16 --runtime=20 --time_based").splitlines():
        if "IOPS" in line:
            lab.note(line.strip())


@test(timeout=3600, soak=True)
def guest_backend_iperf(lab):
    """iperf3 both ways over IPv4 and IPv6."""
    host, guest = boot_debian(lab)
    guest.run("ip address add fd00:66::2/64 dev eth0")
    host.run(f"ip address add fd00:66::1/64 dev {dom0.BRIDGE}")
    client = lab.client()
    client.run("ip address add fd00:66::3/64 dev lan; sleep 3")
    for address in (guest.address, "fd00:66::2"):
        for way in ("", "-R"):
            # A server for each: between two clients it closes its port, and may cut off the next.
            guest.run("iperf3 -s -1 -D; sleep 2")
            report = json.loads(client.run(f"iperf3 -J -c {address} {way} -t 10", timeout=120).out)
            bits = report["end"]["sum_received"]["bits_per_second"]
            lab.note(f"{address} {way or 'to the guest'}: {bits / 1e6:.1f} Mbit/s")
            assert bits > 0
