# A Debian guest as users have it: systemd, PostgreSQL on its disk, clients on the network.
# SPDX-License-Identifier: Apache-2.0
#
#     client: pgbench ---- lan ---- eth0 of dom0 -- xenbr0 -- vif -- guest "db": PostgreSQL on xvda

import re
import shutil

from rig import test

LOAD_SECONDS = 20
# What pgbench moves between accounts adds up to the same wherever it is written down.
SUMS = ["SELECT sum(delta) FROM pgbench_history", "SELECT sum(abalance) FROM pgbench_accounts",
        "SELECT sum(bbalance) FROM pgbench_branches", "SELECT sum(tbalance) FROM pgbench_tellers"]


def boot_database(host, number=0, **settings):
    """A guest "db" whose PostgreSQL answers; its disk is that of this number among the host's."""
    disk = f"phy:{host.disk_device(number)},xvda,w"
    guest = host.guest("db", kind="debian", vcpus=2, memory=512, nics=1, disks=[disk], **settings)
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


@test(timeout=2400, soak=True)
def guest_postgres(lab):
    host = lab.boot(guests=True, memory=2048, disks=("debian",))
    guest = boot_database(host)
    state = guest.run("systemctl is-system-running --wait", check=False, timeout=240).out.strip()
    failed = guest.out("systemctl list-units --failed --plain --no-legend")
    assert (state, failed) == ("running", ""), f"system is {state}; failed units: {failed}"
    lab.client().run(f"ping -c 3 -W 5 {guest.address}")

    pgbench(lab, guest, "-i -q -s 2", timeout=300)
    out = pgbench(lab, guest, f"-c 4 -T {LOAD_SECONDS}", timeout=LOAD_SECONDS + 120).out
    done = int(re.search(r"transactions actually processed: (\d+)", out)[1])
    assert done and "number of failed transactions: 0 " in out, out
    lab.note(f"{done} transactions in {LOAD_SECONDS} s")
    assert int(query(guest, "SELECT count(*) FROM pgbench_history")) == done
    sums = [query(guest, text) for text in SUMS]
    assert len(set(sums)) == 1, sums

    guest.shutdown(timeout=240)
    check = host.run(f"e2fsck -fn {host.disk_device(0)}", check=False, timeout=300)
    assert check.status == 0, check.out + check.err
