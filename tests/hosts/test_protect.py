# An operator protects a guest with remusctl, and goes on with it when its host has died.
# SPDX-License-Identifier: Apache-2.0
#
#     client --- lan --- a: guest `web`  remusd ==== repl: TLS, 7788 ====> remusd  b: shadow `web`
#                              `- remus-primary ==== repl: TLS, 7789 ====> remus-standby -'

import json
import time

from rig import dom0, test
from test_operator import ask, refused, wait_daemon
from test_replicate import DISK, boot_pair

CONFIG = """name = "{host}"; listen = "{address}"; port = 7788; silence = 30000;
peers = ( {{ name = "{peer}"; address = "{peer_address}"; {of_peer} }} );
certificates = {{ authority = "/etc/remus/tls/ca.pem"; certificate = "/etc/remus/tls/host.pem";
                 key = "/etc/remus/tls/host.key"; }};
defaults = {{ interval = 100; }};
images = ( "/srv/" );
"""


def configure(host, peer, more="", of_peer=""):
    text = more + CONFIG.format(host=host.name, address=host.address("repl"), peer=peer.name,
                                peer_address=peer.address("repl"), of_peer=of_peer)
    host.run("cat >/etc/remus/remus.conf", stdin=text.encode())
    wait_daemon(host)
    host.run("pkill -HUP -x remusd")


def boot_configured(lab):
    """Two hosts whose remusds know each other, and a guest on the first."""
    a, b = boot_pair(lab)
    guest = a.guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"]).boot()
    for host, peer in ((a, b), (b, a)):
        configure(host, peer)
    return a, b, guest


def status(host, name="web"):
    reply, _ = ask(host, f"status {name}")
    return reply.get("result", {"protection": "unknown"})


def wait_protection(host, wanted, timeout=400):
    deadline = time.monotonic() + timeout
    while True:
        vm = status(host)
        if vm["protection"] in wanted:
            return vm
        assert time.monotonic() < deadline, f"{vm}\n" + host.out(f"tail -30 {dom0.BACKENDS_LOG}")
        time.sleep(2)


def protect(a, b):
    """Both hosts say so, in lines that fit a terminal."""
    begun = time.monotonic()
    reply, seen = ask(a, "protect web --to b --no-wait", timeout=300)
    assert seen == 0, reply
    wait_protection(b, ("ready",))
    vm = wait_protection(a, ("replicating",))
    assert vm["replication"]["role"] == "primary" and "alarm" not in vm["replication"], vm
    for host in (a, b):
        assert max(len(line) for line in host.out("remusctl list").splitlines()) <= 80
    return time.monotonic() - begun


def reach(lab, guest):
    """The guest answers a client."""
    deadline = time.monotonic() + 120
    while lab.client().run(f"ping -c 1 -W 5 {guest.address}", check=False).status:
        assert time.monotonic() < deadline, "the guest does not answer"


@test(timeout=1800, soak=True)
def operator_protect(lab):
    """Blockers are told at once; a guest is protected, and not any more, by remusctl; its output flows before, during and after."""
    a, b, guest = boot_configured(lab)
    b.run(f"mv {DISK} {DISK}.away; ip link set xenbr0 down; ip link set xenbr0 name elsewhere")
    refused(a, "protect web --to b", "blocked", 7)
    codes = [blocker["code"] for blocker in ask(a, "protect web --to b")[0]["error"]["blockers"]]
    assert codes == ["no-image", "no-bridge"], codes
    b.run(f"mv {DISK}.away {DISK}; ip link set elsewhere name xenbr0; ip link set xenbr0 up")
    lab.note(f"protected in {protect(a, b):.0f} s: {json.dumps(status(a)['replication'])}")
    reach(lab, guest)
    refused(b, "unprotect web", "wrong-state", 6)
    reply, seen = ask(a, "unprotect web", timeout=300)
    assert seen == 0, reply
    reach(lab, guest)
    assert status(a)["protection"] == "none"
    assert b.run("xl domid web", check=False).status != 0
    assert not b.out("ls /var/lib/remus/vms") and not a.out("ls /var/lib/remus/vms")


@test(timeout=1800, soak=True)
def operator_activate(lab):
    """Its host is killed; remusctl activate on the other one has the guest go on, one generation further."""
    a, b, guest = boot_configured(lab)
    lab.note(f"protected in {protect(a, b):.0f} s")
    reach(lab, guest)
    a.kill()
    refused(b, "activate web", "unconfirmed", 2)
    begun = time.monotonic()
    reply, seen = ask(b, "activate web --confirm", timeout=300)
    assert seen == 0, reply
    lab.note(f"activated in {time.monotonic() - begun:.1f} s: {reply['result']}")
    reach(lab, guest)
    vm = status(b)
    assert vm["replication"]["role"] == "primary" and vm["replication"]["generation"] == 2, vm


def wait_events(host, *wanted):
    """What has happened to the guest there, once all of that has."""
    deadline = time.monotonic() + 400
    while True:
        reply, seen = ask(host, "events web")
        words = [event["event"] for event in reply["result"]["events"]] if seen == 0 else []
        if set(wanted) <= set(words):
            return words
        assert time.monotonic() < deadline, words
        time.sleep(2)


@test(timeout=1800, soak=True)
def operator_protect_verbs(lab):
    """What happened to a protected guest and what it costs is told; its interval is set, and its copy made anew, while it runs."""
    a, b, guest = boot_configured(lab)
    refused(a, "events nobody", "no-such-vm", 5)
    refused(a, "set web interval=50", "no-such-vm", 5)
    lab.note(f"protected in {protect(a, b):.0f} s")
    for verb in ("top --once", "top web", "events", "status web"):
        told = a.out(f"remusctl {verb}")
        lab.note(told)
        assert "web" in told, told
    assert max(len(line) for line in a.out("remusctl top --once").splitlines()) <= 80
    (row,) = ask(a, "top web")[0]["result"]["vms"]
    assert row["replication"]["flow"]["cuts"] > 0 and row["rates"]["epochs_per_second"] is not None, row

    reply, seen = ask(a, "set web interval=100 memory=64")
    assert seen == 0 and reply["result"]["interval"] == 100, reply
    refused(a, "set web interval=0", "usage", 2)
    refused(b, "set web interval=50", "wrong-state", 6)
    assert status(a)["replication"]["memory"] == 64
    deadline = time.monotonic() + 120
    while status(b)["replication"]["interval"] != 100:
        assert time.monotonic() < deadline, status(b)
        time.sleep(1)

    # Without arbiters nothing is handed over.
    for host, verb in ((a, "drill web"), (a, "drill web --live"), (a, "failback web"), (b, "failback web")):
        refused(host, verb, "wrong-state", 6)
    reply, seen = ask(a, "resync web")
    assert seen == 0, reply
    time.sleep(5)
    wait_protection(b, ("ready",))
    wait_protection(a, ("replicating",))
    reach(lab, guest)
    lab.note(" ".join(wait_events(a, "protect", "replicating", "set", "resync")))
