# Guests share the CPUs as they were told: by weight, below a cap, and sleepers wake in time.
# SPDX-License-Identifier: Apache-2.0
#
#     CPU 0: dom0        CPU 1: all the guests, which do nothing but what is measured

import re
import time

from rig import dom0, test

MEASURE_SECONDS = 20
TIMES_TO_WAKE = 500


def set_shares(host, guest, words):
    """Debian's Xen runs credit2; xl has a command for each scheduler, and refuses the other."""
    if host.run(f"xl sched-credit2 -d {guest.name} {words}", check=False).status:
        host.run(f"xl sched-credit -d {guest.name} {words}")


def shares(host, guests):
    """The part of one CPU that each guest gets over a while."""
    before = dom0.domains(host)
    time.sleep(MEASURE_SECONDS)
    after = dom0.domains(host)
    return [(after.cpu[guest.domid] - before.cpu[guest.domid]) / (after.clock - before.clock)
            for guest in guests]


def check_weights(host, lab, guests):
    light, heavy = guests
    set_shares(host, light, "-w 256")
    set_shares(host, heavy, "-w 512")
    small, large = shares(host, guests)
    lab.note(f"weights 1:2 give {small:.3f} and {large:.3f} of a CPU, 1:{large / small:.2f}")
    assert abs(large / small - 2) <= 0.1
    assert small + large > 0.85, "they leave the CPU idle"


def check_cap(host, lab, guests):
    capped, other = guests
    set_shares(host, capped, "-c 25")
    share, rest = shares(host, guests)
    lab.note(f"a cap of 25% gives {share:.3f} of a CPU, and {rest:.3f} to the one beside it")
    assert abs(share - 0.25) <= 0.03
    assert rest > 0.6, "what the capped one may not have is lost"

    other.xl("pause")
    share, _ = shares(host, guests)
    lab.note(f"and {share:.3f} while the CPU is idle otherwise")
    other.xl("unpause")
    assert abs(share - 0.25) <= 0.03
    set_shares(host, capped, "-c 0")


def median_lateness(guest):
    """In microseconds; the best of three, for this machine is busy with other things too."""
    return min(int(re.match(r"median (\d+) us", guest.out(f"wake {TIMES_TO_WAKE}"))[1])
               for _ in range(3))


def check_wake(lab, sleeper, busy):
    """A guest that mostly sleeps, as those do that wait for a disk, runs as soon as it is due."""
    busy.xl("pause")
    idle = median_lateness(sleeper)
    busy.xl("unpause")
    beside = median_lateness(sleeper)
    lab.note(f"a sleeper wakes {idle} us late, beside a busy guest {beside} us")
    assert beside <= 2 * idle


@test(timeout=1200, soak=True)
def guest_sched(lab):
    host = lab.boot(guests=True, cpus=2)
    host.run("xl vcpu-pin Domain-0 all 0", check=False)
    guests = [host.guest(name, cpus="1").boot() for name in ("light", "heavy")]
    for guest in guests:
        guest.run("while :; do :; done & echo $! >/tmp/spinning")
    check_weights(host, lab, guests)
    check_cap(host, lab, guests)
    guests[0].run("kill $(cat /tmp/spinning)")
    check_wake(lab, *guests)
