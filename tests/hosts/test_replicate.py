# A guest is replicated between two hosts; the one it runs on dies, and it goes on on the other.
# SPDX-License-Identifier: Apache-2.0
#
#     client --- lan --- a: xenbr0 -- guest `web`  ==== repl: remus-primary -> remus-standby ====>  b: shadow `web`
#                                                  a dies; the shadow is activated by hand

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from rig import dom0, programs, test
from rig.machine import ROOT

STREAM = ROOT / "tests/hosts/programs/stream.py"
DISK = "/srv/data.img"
PORT = 7100
CONTROL = "/run/remus/web.worker"
WORKER_LOG = "/var/log/remus-worker.log"
COMPLAINTS = "dmesg | grep -iE 'BUG|WARN|stall|lockup|error|unstable|not syncing' || true"


def boot_pair(lab, cpus=2):
    """Two hosts that make_pair() has made ready."""
    hosts = [lab.boot(name, nics=("lan", "repl"), guests=True, memory=2048, cpus=cpus) for name in "ab"]
    make_pair(lab, hosts)
    return hosts


def make_pair(lab, hosts):
    """They get bridges, backends and certificates of one authority."""
    authority = lab.folder / "ca"
    remus_ca = ROOT / "toolstack/host/remus-ca"
    script = f"{remus_ca} authority {authority}" + "".join(f" && {remus_ca} host {authority} {host.name}"
                                                           for host in hosts)
    programs.run("sh", "-c", script)
    for host in hosts:
        dom0.once(host, dom0.mount_files)
        dom0.once(host, dom0.make_bridge)
        host.start_backends()
        host.run(f"truncate -s 64M {DISK}; mkdir -p /etc/remus/tls")
        for name, path in (("ca.pem", "ca.pem"), (f"{host.name}.pem", "host.pem"), (f"{host.name}.key", "host.key")):
            host.push(authority / name, f"/etc/remus/tls/{path}", 0o600)


def settings(host, peer, address, guest, uuid, **vm):
    return {
        "vm": {"name": guest.name, "uuid": uuid, "domain": guest.domid, "disks": [{"path": DISK, "device": 51712}], **vm},
        "host": host.name, "peer": peer.name, "address": address, "port": PORT,
        "tls": {"ca": "/etc/remus/tls/ca.pem", "certificate": "/etc/remus/tls/host.pem", "key": "/etc/remus/tls/host.key"},
        "control": CONTROL, "interval_ms": 100, "silence_ms": 60000, "connect_ms": 60000,
    }


def start_worker(host, program, config):
    host.run("cat >/run/worker.json", stdin=json.dumps(config).encode())
    host.run(f"setsid {program} /run/worker.json </dev/null >>{WORKER_LOG} 2>&1 &")


def ask(host, verb, timeout=60):
    """A verb of the worker's control socket; its reply."""
    code = ("import json,socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "s.sendall(json.dumps({'verb': sys.argv[2]}).encode() + b'\\n'); print(s.makefile().readline())")
    reply = host.out(f'python3 -c "{code}" {CONTROL} {verb}', timeout=timeout)
    assert reply, "the worker has hung up:\n" + host.out(f"tail -20 {WORKER_LOG}", timeout=120)
    return json.loads(reply)


def wait_status(host, wanted, timeout=400):
    deadline = time.monotonic() + timeout
    while True:
        result = host.run(f"test -S {CONTROL}", check=False)
        status = ask(host, "status").get("result", {}) if result.status == 0 else {}
        if status and wanted(status):
            return status
        assert time.monotonic() < deadline, f"{status}\n" + host.out(f"tail -20 {WORKER_LOG}", timeout=120)
        time.sleep(1)


def start_standby(a, b, guest):
    configuration = a.out(f"xl list -l {guest.name}")
    uuid = json.loads(configuration)[0]["config"]["c_info"]["uuid"]
    b.run("cat >/run/shadow.json", stdin=configuration.encode())
    start_worker(b, "remus-standby", settings(b, a, b.address("repl"), guest, uuid, shadow="/run/shadow.json"))
    wait_status(b, lambda status: True)
    return uuid


def protect(a, b, guest):
    """Both workers, by hand; returns once the standby could take over."""
    uuid = start_standby(a, b, guest)
    start_worker(a, "remus-primary", settings(a, b, b.address("repl"), guest, uuid))
    return wait_protected(a)


def wait_protected(a):
    return wait_status(a, lambda status: status["state"] == "running" and status["acknowledged"] > 0)


def give(lab, guest, name, *libraries):
    """A program of ours into a guest, by way of dom0 and the wire."""
    host = guest.host
    host.push(programs.program(lab, name, *libraries), f"/srv/{name}", 0o755)
    host.run("setsid python3 -m http.server -d /srv 5001 >/dev/null 2>&1 </dev/null &")
    guest.run(f"for i in $(seq 60); do wget -q -O /tmp/{name} http://{host.address()}:5001/{name} && break; "
              f"sleep 1; done; chmod +x /tmp/{name}", timeout=200)


def wait_report(guest, timeout=300):
    """Two lines that steady has written from now on; each must be a good one."""
    deadline = time.monotonic() + timeout
    lines = []
    while len(lines) < 3:
        line = guest.out("cat /tmp/report 2>/dev/null || true", timeout=120)
        assert not line.startswith("FAILED"), line
        if line and line not in lines:
            lines.append(line)
        assert time.monotonic() < deadline, f"steady stands still at {lines}"
        time.sleep(1)
    return lines[-1]


def write_sector(guest, number):
    guest.run(f"echo {number}{number}{number} | dd of=/dev/xvda bs=512 seek={number} conv=fsync 2>/dev/null", timeout=120)


def sector(host, number):
    return host.out(f"dd if={DISK} bs=512 skip={number} count=1 2>/dev/null | head -c 3")


def wait_epochs(a, count, timeout=240):
    """So many more are cut, sent and acknowledged."""
    begun = ask(a, "status")["result"]["cut"]
    return wait_status(a, lambda status: status["acknowledged"] >= begun + count, timeout)

def boot_protected(lab):
    """The pair, and a guest under a load that shows what it loses."""
    a, b = boot_pair(lab)
    guest = a.guest("web", memory=128, nics=1, disks=[f"{DISK},raw,xvda,w"]).boot()
    give(lab, guest, "steady", "-lpthread")
    guest.run("/tmp/steady 4 1 /tmp/report 1000 >/dev/null 2>&1 </dev/null &")
    wait_report(guest)
    begun = time.monotonic()
    lab.note(f"{protect(a, b, guest)} after {time.monotonic() - begun:.0f} s")
    return a, b, guest


@contextmanager
def streaming(lab, guest):
    """A client counts up over one connection all the while: no number is lost, doubled or out of order."""
    enough = lab.folder / "enough"
    with ThreadPoolExecutor() as pool:
        stream = pool.submit(lab.client().run, f"python3 {STREAM} {guest.address} 2400 600 {enough}", timeout=2500)
        try:
            yield
        finally:
            enough.touch()
        lab.note(stream.result().out.strip())


def answers(client, guest):
    """Whether a frame of the guest's leaves: an answer to a ping, or to the question whose address that is."""
    return client.run(f"ping -c 5 -i 1 -W 2 {guest.address}", check=False, timeout=60).status == 0


@test(timeout=2400, soak=True)
def replicate_link_lost(lab):
    """The link is cut: nothing leaves the guest, not even ARP; mended, it goes on with what was missing."""
    a, b, guest = boot_protected(lab)
    with streaming(lab, guest):
        wait_epochs(a, 10)
        a.cut("repl")
        begun = time.monotonic()
        wait_status(a, lambda status: status["state"] == "waiting")
        lab.note(f"noticed after {time.monotonic() - begun:.0f} s")
        client = lab.client()
        assert not answers(client, guest)
        client.run(f"ip neighbour flush to {guest.address}")
        assert not answers(client, guest)
        write_sector(guest, 1)
        a.restore("repl")
        wait_protected(a)
        assert answers(client, guest)
        wait_epochs(a, 10)
    assert a.out(f"grep -c 'alone -> base\\|waiting -> base' {WORKER_LOG}") == "1", a.out(f"cat {WORKER_LOG}")
    lab.note(wait_report(guest))


@test(timeout=3000, soak=True)
def replicate_worker_killed(lab):
    """Each of the workers is killed while the guest is replicated: it is protected again, and lost nothing."""
    a, b, guest = boot_protected(lab)
    with streaming(lab, guest):
        a.run("kill -9 $(pidof remus-backend)")
        lab.note(f"backend: {wait_epochs(a, 10)}")
        a.run("kill -9 $(pidof remus-primary)")
        time.sleep(2)
        a.run(f"setsid remus-primary /run/worker.json </dev/null >>{WORKER_LOG} 2>&1 &")
        wait_protected(a)
        lab.note(f"primary: {wait_epochs(a, 10)}")
        b.run(f"kill -9 $(pidof remus-standby); rm {CONTROL}; xl destroy web", timeout=120)
        start_standby(a, b, guest)
        wait_protected(a)
        lab.note(f"standby: {wait_epochs(a, 10)}")
        write_sector(guest, 1)
        wait_epochs(a, 3)
        assert sector(b, 1) == "111"
    lab.note(wait_report(guest))


@test(timeout=1800, soak=True)
def replicate_once(lab):
    """The primary's host is killed under load; the standby, activated by hand, goes on with the connection, memory and disk."""
    a, b, guest = boot_protected(lab)
    domid = guest.domid
    with streaming(lab, guest):
        write_sector(guest, 1)
        lab.note(str(wait_epochs(a, 20)))
        a.kill()
        begun = time.monotonic()
        reply = ask(b, "activate", timeout=120)
        lab.note(f"activated in {time.monotonic() - begun:.1f} s: {reply}")
        assert reply["ok"], reply
        guest.moved(host=b)
        assert guest.domid == domid
        assert sector(b, 1) == "111"
        wait_report(guest)
        write_sector(guest, 2)
        assert sector(b, 2) == "222"
    lab.note(wait_report(guest))


def sums(*hosts):
    return {host.out(f"sha256sum <{DISK}", timeout=120) for host in hosts}


@test(timeout=2400, soak=True)
def replicate_resync(lab):
    """The standby is killed and comes back: of the disk it is sent what it missed, and can take over."""
    a, b, guest = boot_protected(lab)
    assert a.out(f"grep -c 'disks: a full copy' {WORKER_LOG}") == "1", a.out(f"cat {WORKER_LOG}")
    guest.run("dd if=/dev/urandom of=/dev/xvda bs=64k seek=300 count=20 conv=fsync 2>/dev/null", timeout=120)
    wait_epochs(a, 10)
    b.run(f"kill -9 $(pidof remus-standby); rm {CONTROL}; xl destroy web", timeout=120)
    wait_status(a, lambda status: status["state"] == "waiting")
    write_sector(guest, 1)
    start_standby(a, b, guest)
    wait_protected(a)
    wait_epochs(a, 10)
    told = a.out(f"grep 'KiB are marked here' {WORKER_LOG}")
    lab.note(told)
    assert int(told.split("disks: ")[1].split()[0]) < 64 << 10, told
    assert sector(b, 1) == "111"
    assert len(sums(a, b)) == 1
    a.kill()
    reply = ask(b, "activate", timeout=120)
    assert reply["ok"], reply
    guest.moved(host=b)
    write_sector(guest, 2)
    lab.note(wait_report(guest))
