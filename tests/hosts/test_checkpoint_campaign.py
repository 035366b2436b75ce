# A hundred bounces of a guest that does all at once: memory, clock, database, disk and connections.
# SPDX-License-Identifier: Apache-2.0
#
#     client: pgbench, stream.py --- lan --- eth0 of dom0 -- xenbr0 -- vif -- guest `db`: steady, PostgreSQL on xvda
#                                    dom0: remus-bounce --- db == epochs ==> db--shadow, which becomes db

import random
import time
from concurrent.futures import ThreadPoolExecutor

import test_checkpoint_bounce as bounces
import test_guest_postgres as postgres
from rig import dom0, test

BOUNCES = 100
PATTERN_MIB = 160  # of the guest's 320
PAUSE_US = 2000    # of each thread of steady, between two pages: PostgreSQL wants to run as well
CLIENTS = "-c 2 -R 5"  # of pgbench: no more transactions a second, so that the guest has time for bounces


def bounce_at_random(host, guest, count, chance):
    for _ in range(count):
        time.sleep(chance.uniform(0, 2))
        bounces.bounce(host, guest, f"--epochs {chance.randrange(1, 6)} --interval {chance.randrange(0, 40)}")
        bounces.wait_report(guest, bounces.wait_report(guest, ""))


@test(name="checkpoint_campaign_few", vcpus=2, count=3, timeout=2400, soak=True)
@test(name="checkpoint_campaign_1vcpu", vcpus=1, count=BOUNCES, timeout=10800, soak=True)
@test(name="checkpoint_campaign_2vcpu", vcpus=2, count=BOUNCES, timeout=10800, soak=True)
@test(name="checkpoint_campaign_4vcpu", vcpus=4, count=BOUNCES, timeout=10800, soak=True)
def checkpoint_campaign(lab, vcpus, count):
    """At moments of chance; nobody in the guest or outside notices more than a pause."""
    host = lab.boot(toolstack=True, guests=True, memory=2048, disks=("debian",))
    bounces.install(host)
    dom0.once(host, dom0.add_quick_scripts)
    guest = postgres.boot_database(host, vcpus=vcpus, memory=320, script="quick-block", vif_script="quick-vif")
    postgres.pgbench(lab, guest, "-i -q -s 2", timeout=300)
    bounces.start_steady(lab, guest, vcpus, PATTERN_MIB, PAUSE_US)
    complaints = guest.out(bounces.COMPLAINTS)

    enough = lab.folder / "enough"
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        stream = pool.submit(bounces.stream, lab, guest, 10000, enough)
        try:
            bounced = pool.submit(bounce_at_random, host, guest, count, random.Random(vcpus))
            transactions = postgres.load_until(lab, guest, bounced, CLIENTS)
            bounced.result()
        finally:
            enough.touch()
        lab.note(stream.result())
    lab.note(f"{count} bounces in {time.monotonic() - begun:.0f} s, {transactions} transactions, "
             f"{bounces.wait_report(guest, '')}")
    postgres.check_sums(guest, transactions)
    later = guest.out(bounces.COMPLAINTS)
    assert later == complaints, later
    guest.shutdown(timeout=240)
    check = host.run(f"e2fsck -fn {host.disk_device(0)}", check=False, timeout=300)
    assert check.status == 0, check.out + check.err
