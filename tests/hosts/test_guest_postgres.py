# A Debian guest as users have it: systemd, PostgreSQL on its disk, clients on the network.
# SPDX-License-Identifier: Apache-2.0
#
#     client: pgbench ---- lan ---- eth0 of dom0 -- xenbr0 -- vif -- guest "db": PostgreSQL on xvda

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

from rig import test

LOAD_SECONDS = 20
KILLS = 10
DATA = "/var/tmp/data"
# What pgbench moves between accounts adds up to the same wherever it is written down.
SUMS = ["SELECT sum(delta) FROM pgbench_history", "SELECT sum(abalance) FROM pgbench_accounts",
        "SELECT sum(bbalance) FROM pgbench_branches", "SELECT sum(tbalance) FROM pgbench_tellers"]


def boot_database(host, number=0, vcpus=2, memory=512, script="block", **settings):
    """A guest "db" whose PostgreSQL answers; its disk is that of this number among the host's."""
    disk = f"{host.disk_device(number)},raw,xvda,w,script={script}"
    guest = host.guest("db", kind="debian", vcpus=vcpus, memory=memory, nics=1, disks=[disk], **settings)
    guest.boot()
    guest.run("until pg_isready -q; do sleep 1; done", timeout=300)
    return guest


def pgbench(lab, guest, words, **arguments):
    binary = lab.folder / "pgbench"
    if not binary.exists():
        shutil.copy2(lab.image.pgbench, binary)
    return lab.client().run(f"{binary} -h {guest.address} -U postgres {words} postgres",
                            **arguments)


def query(guest, text):
    return guest.out(f"psql -h {guest.address} -U postgres -Atc \"{text}\" postgres")


def check_sums(guest, transactions):
    """The database has what its clients were told, and nothing moved got lost on the way."""
    assert int(query(guest, "SELECT count(*) FROM pgbench_history")) == transactions
    sums = [query(guest, text) for text in SUMS]
    assert len(set(sums)) == 1, sums


def load(lab, guest, seconds, words="-c 4"):
    """How many transactions pgbench got through; none failed."""
    out = pgbench(lab, guest, f"-n {words} -T {seconds}", timeout=seconds + 240).out
    assert "number of failed transactions: 0 " in out, out
    return int(re.search(r"transactions actually processed: (\d+)", out)[1])


def load_until(lab, guest, end, words="-c 4"):
    """The same again and again, until a future is done."""
    done = 0
    while not end.done():
        done += load(lab, guest, LOAD_SECONDS, words)
    return done


def write_data(guest):
    """A file of random bytes, written past the cache while others work; its checksum."""
    guest.run("for i in $(seq 24); do head -c 1048576 /dev/urandom >/tmp/piece && "
              "cat /tmp/piece >>/tmp/all && "
              f"dd if=/tmp/piece of={DATA} bs=64k oflag=append,direct conv=notrunc status=none || exit 1; "
              "sleep 1; done", timeout=300)
    return guest.out("md5sum </tmp/all")


def kill_backends(lab, host, guest):
    """Kill each worker anew, when it has served for a moment."""
    for _ in range(KILLS):
        host.run("for i in $(seq 100); do pkill -9 -x remus-backend && exit; sleep 0.2; done; exit 1")
        # One that dies young is started later and later, up to 10 s.
        lab.client().run(f"for i in $(seq 30); do ping -c 1 -W 2 {guest.address} && exit; done; exit 1",
                         timeout=120)
        time.sleep(2)


def data_on_disk(host):
    """What dom0 finds in the file when the guest is gone."""
    return host.out(f"mount -o ro {host.disk_device(0)} /mnt && md5sum </mnt{DATA}; umount /mnt",
                    timeout=120)


@test(timeout=3600, soak=True)
def guest_postgres(lab):
    """pgbench from outside; then again while the guest's back end is killed ten times."""
    host = lab.boot(guests=True, memory=2048, disks=("debian",))
    guest = boot_database(host)
    state = guest.run("systemctl is-system-running --wait", check=False, timeout=240).out.strip()
    failed = guest.out("systemctl list-units --failed --plain --no-legend")
    assert (state, failed) == ("running", ""), f"system is {state}; failed units: {failed}"
    lab.client().run(f"ping -c 3 -W 5 {guest.address}")

    pgbench(lab, guest, "-i -q -s 2", timeout=300)
    done = load(lab, guest, LOAD_SECONDS)
    lab.note(f"{done} transactions in {LOAD_SECONDS} s")
    assert done
    check_sums(guest, done)

    checksum = None
    if host.settings.hypervisor != "xen":  # whose back ends are the kernel's
        with ThreadPoolExecutor() as pool:
            killed = pool.submit(kill_backends, lab, host, guest)
            written = pool.submit(write_data, guest)
            done_again, checksum = load_until(lab, guest, killed), written.result()
            killed.result()
        lab.note(f"{done_again} transactions beside {KILLS} kills")
        assert done_again
        check_sums(guest, done + done_again)
        assert guest.run("dmesg | grep -E 'I/O error|xvda: error'", check=False).out == ""

    guest.shutdown(timeout=240)
    check = host.run(f"e2fsck -fn {host.disk_device(0)}", check=False, timeout=300)
    assert check.status == 0, check.out + check.err
    assert checksum in (None, data_on_disk(host)), "the file's contents are not those written"
