#!/usr/bin/env python3
"""Real Corosync in namespaces: what a guard is told when hosts die, hang, restart and are cut off."""
# SPDX-License-Identifier: Apache-2.0

import fnmatch
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hosts import Cluster, sweep, until

TESTS = []


def test(template, names, short=False):
    """Short: one of those that run in every `make test`."""
    def decorate(function):
        TESTS.append((function, template, names))
        function.is_short = short
        return function
    return decorate


THREE = ("corosync-3-hosts.conf", "abc")
DEVICE = ("corosync-2-hosts-qdevice.conf", "abq")
AGENTS = ("corosync-2-hosts-agents.conf", "ab")


def note(text):
    print(f"         {text}")


def start(cluster, names):
    """All hosts have met: the marks from which on what they are told counts."""
    cluster.start(names)
    hosts = [cluster.hosts[name] for name in names]
    for host in hosts:
        host.wait_members({h.number for h in hosts})
    return hosts


def marks(*hosts):
    return [len(host.lines) for host in hosts]


def took(view, since):
    return f"{view.ms - since * 1000:.0f} ms"


def boottime():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@test(*THREE, short=True)
def words_arrive_in_order(cluster):
    a, b, c = start(cluster, "abc")
    for n in range(1, 101):
        a.say(f"say 2 5 {n} 0 {n % 2}")
        time.sleep(0.002)
    until(lambda: "1 outdated 100.0 tells" in b.words(), "the last word")
    heard = [int(word.split()[2].split(".")[0]) for word in b.words()]
    assert heard == sorted(heard), heard
    assert not a.words() and not c.words()
    a.say("find b")
    until(lambda: "name b 2" in a.lines, "the number of b")


@test(*THREE, short=True)
def a_host_dies_and_comes_back(cluster):
    a, b, c = start(cluster, "abc")
    mark_a, mark_c = marks(a, c)
    begin = boottime()
    b.die()
    view = a.wait_view("b is gone", lambda v: v.daemons == {1, 3}, mark_a)
    c.wait_view("b is gone", lambda v: v.daemons == {1, 3}, mark_c)
    assert view.quorum and view.decides and view.hosts == {1, 3} and view.went == {2}, view.line
    # Quorum was never in doubt, or the primary could not go on without the standby.
    assert all(v.quorum and not v.anew for v in a.views(mark_a)), [v.line for v in a.views(mark_a)]
    note(f"killed to told: {took(view, begin)}; lag by configuration {view.lag} ms")
    mark_a, = marks(a)
    cluster.start("b")
    b.wait_members({1, 2, 3})
    a.wait_members({1, 2, 3}, mark_a)


@test(*THREE)
def remusd_dies_alone(cluster):
    a, b, _ = start(cluster, "abc")
    mark, = marks(a)
    begin = boottime()
    b.kill("watch")
    view = a.wait_view("b's remusd is gone", lambda v: v.daemons == {1, 3}, mark)
    assert view.quorum and view.hosts == {1, 2, 3} and not view.went and not view.anew, view.line
    note(f"killed to told: {took(view, begin)}")


@test(*THREE)
def a_host_is_cut_off(cluster):
    a, b, c = start(cluster, "abc")
    mark_a, mark_b = marks(a, b)
    begin = boottime()
    b.cut()
    alone = b.wait_view("it has no quorum", lambda v: not v.quorum, mark_b)
    view = a.wait_view("b is gone", lambda v: v.daemons == {1, 3}, mark_a)
    assert view.quorum, view.line
    note(f"cut to told: without quorum {took(alone, begin)}, with {took(view, begin)}")
    mark_a, mark_b = marks(a, b)
    b.restore()
    b.wait_members({1, 2, 3}, mark_b)
    a.wait_members({1, 2, 3}, mark_a)


@test(*THREE)
def one_link_is_enough(cluster):
    a, b, _ = start(cluster, "abc")
    mark, = marks(a)
    b.cut(["repl"])
    time.sleep(3)
    assert not a.views(mark), [v.line for v in a.views(mark)]
    b.restore(["repl"])
    time.sleep(5)
    b.cut(["lan"])
    time.sleep(3)
    assert not a.views(mark), [v.line for v in a.views(mark)]


@test(*THREE, short=True)
def corosync_hangs(cluster):
    """Its own Corosync tells a host nothing when it stands still: silence must not pass for quorum."""
    a, b, _ = start(cluster, "abc")
    mark_a, mark_b = marks(a, b)
    begin = boottime()
    b.signal(signal.SIGSTOP, "corosync")
    view = b.wait_view("no quorum", lambda v: not v.quorum, mark_b)
    note(f"stopped to not believed: {took(view, begin)}")
    a.wait_view("b is gone", lambda v: v.daemons == {1, 3}, mark_a)
    mark_b, = marks(b)
    b.signal(signal.SIGCONT, "corosync")
    b.wait_members({1, 2, 3}, mark_b)


@test(*THREE, short=True)
def corosync_hangs_from_the_beginning(cluster):
    """To connect is to wait for Corosync; the loop, which keeps leases, goes on."""
    _, b, _ = start(cluster, "abc")
    b.kill("watch")
    b.signal(signal.SIGSTOP, "corosync")
    mark_b, = marks(b)
    b.start_watch()
    for number in range(1, 4):
        b.say("tick")
        until(lambda: b.lines[mark_b:].count("tick") == number, "an answer", patience=10)
        time.sleep(0.5)
    assert not b.views(mark_b), b.views(mark_b)[-1].line
    b.signal(signal.SIGCONT, "corosync")
    b.wait_members({1, 2, 3}, mark_b)


@test(*THREE)
def corosync_is_restarted(cluster):
    a, b, _ = start(cluster, "abc")
    mark_b, = marks(b)
    b.kill("corosync")
    lost = b.wait_view("lost", lambda v: not v.connected, mark_b)
    assert not lost.quorum and lost.anew and not lost.daemons, lost.line
    mark_b, = marks(b)
    b.start_corosync()
    view = b.wait_members({1, 2, 3}, mark_b)
    assert view.connected


@test(*THREE)
def quorum_is_lost_and_comes_back(cluster):
    a, b, c = start(cluster, "abc")
    mark, = marks(a)
    b.die()
    c.die()
    a.wait_view("no quorum", lambda v: not v.quorum, mark)
    mark, = marks(a)
    cluster.start("c")
    view = a.wait_members({1, 3}, mark)
    assert 3 in view.came or any(3 in v.came for v in a.views(mark)), view.line


@test(*AGENTS, short=True)
def two_hosts_with_agents(cluster):
    a, b = start(cluster, "ab")
    assert not a.views()[-1].decides
    mark, = marks(a)
    b.die()
    view = a.wait_view("b is gone", lambda v: v.daemons == {1}, mark)
    assert view.quorum and not view.decides and view.went == {2}, view.line


def start_device(cluster):
    device = cluster.hosts["q"]
    device.start_program(
        "qnetd", "mkdir -p /run/corosync-qnetd /etc/corosync/qnetd && "
        "exec corosync-qnetd -f -s off -m 8", stdin=subprocess.DEVNULL)
    cluster.start("ab")
    a, b = cluster.hosts["a"], cluster.hosts["b"]
    for host in (a, b):
        host.wait_members({1, 2})
        host.start_qdevice()
    return a, b, device


def wait_vote(cluster, *hosts):
    """Until the device votes: one host can lose the other."""
    for host in hosts:
        until(lambda: has_vote(host), f"the device's vote at {host.name}")


def has_vote(host):
    done = subprocess.run(host.inside("corosync-quorumtool -s"), capture_output=True, text=True)
    return "Total votes:      3" in done.stdout


@test(*DEVICE, short=True)
def two_hosts_and_a_device(cluster):
    a, b, device = start_device(cluster)
    wait_vote(cluster, a, b)
    assert a.views()[-1].decides
    mark, = marks(a)
    begin = boottime()
    b.die()
    view = a.wait_view("b is gone", lambda v: v.daemons == {1}, mark)
    view = a.wait_view("quorum", lambda v: v.quorum and v.daemons == {1}, mark)
    note(f"killed to told, with quorum: {took(view, begin)}; lag by configuration {view.lag} ms")
    assert all(v.quorum for v in a.views(mark)), [v.line for v in a.views(mark)]


@test(*DEVICE)
def one_of_two_halves_has_the_device(cluster):
    a, b, device = start_device(cluster)
    wait_vote(cluster, a, b)
    mark_a, mark_b = marks(a, b)
    begin = boottime()
    b.cut()
    alone = b.wait_view("no quorum", lambda v: not v.quorum, mark_b)
    view = a.wait_view("quorum", lambda v: v.quorum and v.daemons == {1}, mark_a)
    note(f"cut to told: without quorum {took(alone, begin)}, with {took(view, begin)}")


@test(*DEVICE)
def the_device_is_lost(cluster):
    a, b, device = start_device(cluster)
    wait_vote(cluster, a, b)
    mark_a, mark_b = marks(a, b)
    device.kill()
    until(lambda: not has_vote(a), "the vote is gone")
    assert all(v.quorum for v in a.views(mark_a) + b.views(mark_b))
    b.die()
    a.wait_view("no quorum", lambda v: not v.quorum, mark_a)


def run(number, function, template, names):
    with tempfile.TemporaryDirectory(prefix="remus-cluster-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder), template, names, number)
        begin = time.monotonic()
        try:
            function(cluster)
        except Exception:
            print(f"FAILED   {function.__name__}")
            traceback.print_exc(file=sys.stdout)
            for log in sorted(Path(folder).glob("*/*.log")):
                print(f"--- {log.parent.name}/{log.name}")
                print("".join(log.read_text(errors="replace").splitlines(keepends=True)[-25:]))
            return False
        finally:
            cluster.close()
        print(f"ok       {function.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        return True


def main():
    sweep()
    pattern = sys.argv[1] if len(sys.argv) > 1 else None
    chosen = [t for t in TESTS if fnmatch.fnmatch(t[0].__name__, pattern or "*")
              and (pattern or t[0].is_short)]
    results = [run(number, *chosen_test) for number, chosen_test in enumerate(chosen)]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
