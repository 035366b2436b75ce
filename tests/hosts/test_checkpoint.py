# Guests that are saved, restored and moved with stock xl, and do not notice.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a (---- lan ---- dom0 of b) : a tiny guest that checks its own memory and clocks

import re
import time

from rig import dom0, programs, test

MEMORY = 128  # MiB of the guest
CHECKED = 16  # MiB that are copied and checked again and again

# One loop copies random bytes and compares their sum, the other looks whether the clock goes back.
WORK = f"""
cd /tmp
dd if=/dev/urandom of=data bs=1M count={CHECKED} 2>/dev/null
sum=$(md5sum <data)
(passes=0
while cp data copy && [ "$(md5sum <copy)" = "$sum" ]; do
    passes=$((passes + 1))
    echo $passes >passes.new && mv passes.new passes
done
echo "the copy is another" >>wrong) &
awk 'BEGIN {{
    while ((getline line <"/proc/uptime") > 0) {{
        close("/proc/uptime")
        split(line, words, " ")
        if (words[1] + 0 < last) print "the clock goes back", last, words[1] >>"/tmp/wrong"
        last = words[1] + 0
        fflush()
    }}
}}' &
"""


def start_work(guest):
    """The guest checks itself from now on."""
    guest.run(f"({WORK}) >/dev/null 2>&1")
    work_seen(guest, passes=2)


def work_seen(guest, passes, timeout=180):
    """Waits for so many more passes of the checker; their number."""
    first = None
    deadline = time.monotonic() + timeout
    while True:
        said = guest.out("cd /tmp; cat wrong 2>/dev/null; cat passes 2>/dev/null || echo 0")
        assert said.isdigit(), said
        first = int(said) if first is None else first
        if int(said) >= first + passes:
            return int(said)
        assert time.monotonic() < deadline, f"the guest's work stands still: {guest.out('ps')}"
        time.sleep(0.3)


def complaints(guest):
    """What the kernel says of itself beside the words of suspend and resume."""
    lines = guest.out("dmesg").splitlines()
    return [line for line in lines if re.search(r"BUG:|WARNING: CPU|stalls? on|lockup|Oops|Call Trace", line)]


def boot_worker(lab, vcpus, **settings):
    host = lab.boot("a", guests=True, **settings)
    return host, boot_worker_on(host, vcpus)


def free_frames(host):
    """What is to be free again at the end: a first guest leaves dom0 with page tables that it keeps."""
    first = host.guest("first", memory=MEMORY)
    first.create(flags="-p")
    first.destroy()
    return dom0.domains(host).free


def boot_worker_on(host, vcpus):
    guest = host.guest("web", vcpus=vcpus, memory=MEMORY).boot()
    start_work(guest)
    return guest


def check_after(guest, said):
    """It went on from where it was."""
    now = work_seen(guest, passes=2)
    assert now > said, (said, now)
    assert not complaints(guest), complaints(guest)
    return now


def save_and_restore(host, guest):
    said = work_seen(guest, passes=1)
    guest.xl("save", "/run/web.save", timeout=180)
    assert guest.row() is None, "saved, but still there"
    host.run("xl restore /run/web.save", timeout=180)
    guest.moved()
    return check_after(guest, said)


@test(timeout=900, soak=True, name="checkpoint_save", rounds=1, vcpus=2)
@test(timeout=3600, soak=True, name="checkpoint_save_20", rounds=20, vcpus=2)
@test(timeout=3600, soak=True, name="checkpoint_save_20_4cpu", rounds=20, vcpus=4)
def checkpoint_save(lab, rounds, vcpus):
    """xl save, xl restore; and a save that lets the guest go on."""
    host, guest = boot_worker(lab, vcpus, memory=1536)
    for _ in range(rounds):
        said = save_and_restore(host, guest)
    guest.host.run("xl save -c web /run/web.save", timeout=180)
    said = check_after(guest, said)
    lab.note(f"{rounds} times, {said} passes of the checker")


@test(timeout=900, soak=True, name="checkpoint_fuzz_long", rounds=3000, seed=1)
@test(timeout=900, soak=True, name="checkpoint_fuzz", rounds=150, seed=0)
def checkpoint_fuzz(lab, rounds, seed):
    """Junk at every operation and broken records: the guest that is captured does not notice."""
    host = lab.boot("a", guests=True, memory=1536)
    free = free_frames(host)
    guest = boot_worker_on(host, vcpus=2)
    host.push(programs.program(lab, "checkpoint_fuzz", *dom0.XEN_LIBRARIES), "/root/fuzz", 0o755)
    seed = seed or time.time_ns() % 10**9
    result = host.run(f"/root/fuzz {guest.domid} {rounds} {seed}", check=False, timeout=800)
    assert result.status == 0, f"seed {seed}: {result.out}{result.err}"
    lab.note(f"seed {seed}; " + "; ".join(result.out.splitlines()))
    check_after(guest, work_seen(guest, passes=0))
    guest.destroy()
    lost = dom0.frames_lost(host, free)
    assert not lost, f"{lost} frames are gone"


# Stands for ssh: what xl says and hears goes over a socket to the other host's `xl migrate-receive`.
RECEIVE = """
import socket, subprocess, sys
listener = socket.create_server(("", 9999))
while True:
    connection, _ = listener.accept()
    with connection, open("/var/log/receive.log", "a") as log:
        subprocess.run(["xl", "migrate-receive"] + sys.argv[1:], stdin=connection, stdout=connection, stderr=log)
"""
CONNECT = """
import os, socket, sys, threading
def copy(read, write, end):
    while data := read(1 << 16):
        write(data)
    end()
there = socket.create_connection((sys.argv[1], 9999))
def say(data):
    while data:
        data = data[os.write(1, data):]
threading.Thread(target=copy, args=(lambda n: os.read(0, n), there.sendall,
                                    lambda: there.shutdown(socket.SHUT_WR)), daemon=True).start()
copy(there.recv, say, lambda: None)
"""


def receive_on(host, options=""):
    dom0.prepare(host, disks=False, nics=False)
    host.run("cat >/root/receive.py", stdin=RECEIVE.encode())
    host.run("cat >/root/connect.py", stdin=CONNECT.encode())
    host.run(f"setsid python3 /root/receive.py {options} </dev/null >/dev/null 2>&1 &")


def migrate(guest, here, there):
    """xl migrate, live, to the other host or to the same one."""
    said = work_seen(guest, passes=1)
    command = "xl migrate-receive" if there is here else \
        f"python3 /root/connect.py {there.address()}"
    result = here.run(f"xl migrate -s '' web '{command}' 2>&1", timeout=280, check=False)
    assert result.status == 0, result.out + \
        there.run("cat /var/log/receive.log", check=False).out
    guest.moved(there, "web--incoming")
    if there is not here:
        assert guest_is_gone(here), "migrated, but still there"
    return check_after(guest, said)


def guest_is_gone(host):
    return host.run("xl domid web", check=False).status != 0


@test(timeout=900, soak=True, name="checkpoint_migrate_here", rounds=1, vcpus=2)
@test(timeout=3600, soak=True, name="checkpoint_migrate_here_20", rounds=20, vcpus=2)
def checkpoint_migrate_here(lab, rounds, vcpus):
    host, guest = boot_worker(lab, vcpus, memory=1536)
    for _ in range(rounds):
        said = migrate(guest, host, host)
    lab.note(f"{rounds} times, {said} passes of the checker")


@test(timeout=900, soak=True, name="checkpoint_migrate", rounds=2, vcpus=2)
@test(timeout=3600, soak=True, name="checkpoint_migrate_20", rounds=20, vcpus=2)
def checkpoint_migrate(lab, rounds, vcpus):
    """To the other host and back, while it works."""
    other = lab.host("b", guests=True).start()
    here, guest = boot_worker(lab, vcpus)
    other.wait_boot()
    there = other
    for host in (here, there):
        receive_on(host)
    for _ in range(rounds):
        said = migrate(guest, here, there)
        here, there = there, here
    lab.note(f"{rounds} times, {said} passes of the checker")


def push_epochs(lab, host):
    path = programs.program(lab, "checkpoint_epochs", *dom0.XEN_LIBRARIES)
    host.push(path, "/root/epochs", 0o755)


def epochs_begin(host, words):
    host.run(f"(setsid /root/epochs {words} >/root/epochs.log 2>/root/epochs.err; "
             "echo status $? >>/root/epochs.log) </dev/null >/dev/null 2>&1 &")


def epochs_end(host, timeout, meanwhile=lambda: time.sleep(0.3)):
    """What the program said at its end, which was a good one."""
    deadline = time.monotonic() + timeout
    while "status" not in (out := host.out("cat /root/epochs.log 2>/dev/null; true")):
        assert time.monotonic() < deadline, f"the epochs do not end: {out}"
        meanwhile()
    assert out.endswith("status 0"), out + host.out("cat /root/epochs.err")
    return out.splitlines()[0]


def balloon(guest):
    for target in (MEMORY - 24, MEMORY):
        guest.xl("mem-set", str(target))
        time.sleep(1)


@test(timeout=1200, soak=True, seconds=15)
@test(timeout=1800, soak=True, name="checkpoint_races_long", seconds=300)
def checkpoint_races(lab, seconds):
    """Memory comes and goes in mid-epoch; another wants the same guest; it is destroyed."""
    host = lab.boot("a", guests=True, memory=1536)
    free = free_frames(host)
    guest = boot_worker_on(host, vcpus=2)
    push_epochs(lab, host)
    epochs_begin(host, f"mirror {guest.domid} {seconds} 20")
    lab.note(epochs_end(host, seconds + 600, meanwhile=lambda: balloon(guest)))
    lab.note(host.out(f"/root/epochs fight {guest.domid} {seconds}", timeout=seconds + 60))
    check_after(guest, work_seen(guest, passes=0))
    epochs_begin(host, f"mirror {guest.domid} 600 5")
    time.sleep(5)
    guest.destroy()
    said = epochs_end(host, 60)
    assert said == "the guest is gone", said
    assert dom0.domains(host).frames.keys() == {0}, "something is left"
    lost = dom0.frames_lost(host, free)
    assert not lost, f"{lost} frames are gone"
