# What an operator types, and what is said to bad questions.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a: remusctl ---- remusd ---- remus-backend D ---- a tiny guest with a network card

import json
import time

from rig import dom0, test

EXIT_FAILED, EXIT_USAGE, EXIT_DAEMON, EXIT_PERMISSION, EXIT_NO_VM, EXIT_STATE, EXIT_BLOCKED = 1, 2, 3, 4, 5, 6, 7
NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"


def ask(host, words, prefix="", timeout=60):
    """The reply to remusctl --json, and its exit status."""
    result = host.run(f"{prefix} remusctl --json {words}", check=False, timeout=timeout)
    return json.loads(result.out), result.status


def refused(host, words, code, status, prefix=""):
    """Both forms of a refusal have the code and a remedy; the exit status says its kind."""
    reply, seen = ask(host, words, prefix)
    assert seen == status and not reply["ok"], (seen, reply)
    assert reply["error"]["code"] == code and reply["error"]["remedy"], reply
    told = host.run(f"{prefix} remusctl {words}", check=False)
    assert told.status == status and f"[{code}]" in told.err and "try: " in told.err, told
    assert not told.out, told.out


def wait_daemon(host, timeout=30):
    """One that has just been started may not listen yet."""
    deadline = time.monotonic() + timeout
    while ask(host, "version")[1] == EXIT_DAEMON:
        assert time.monotonic() < deadline, host.out(f"tail -20 {dom0.BACKENDS_LOG}")
        time.sleep(0.2)


def wait_backend(host, name, wanted, timeout=30):
    deadline = time.monotonic() + timeout
    while True:
        reply, _ = ask(host, f"status {name}")
        if reply["ok"] and wanted(reply["result"]["backend"]):
            return reply["result"]["backend"]
        assert time.monotonic() < deadline, reply
        time.sleep(0.5)


def check_guest(host, guest):
    """list and status tell of a guest; its backend's death and return are seen."""
    (vm,) = ask(host, "list")[0]["result"]["vms"]
    assert (vm["name"], vm["id"], vm["protection"]) == ("web", guest.domid, "none"), vm
    for word in ("web", guest.domid):
        assert ask(host, f"status {word}")[0]["result"]["id"] == guest.domid
    row = host.out("remusctl list").splitlines()[1].split()
    assert row[:4] == ["web", str(guest.domid), "none", "serving"], row
    assert max(len(line) for line in host.out("remusctl list").splitlines()) <= 80
    first = vm["backend"]["pid"]
    host.run(f"kill -9 {first}")
    second = wait_backend(host, "web", lambda backend: backend["pid"] not in (0, first))
    assert second["starts"] == 2, second


def blockers(host):
    """The codes of what stands against protection; each has a remedy, and the exit status says that there are any."""
    reply, status = ask(host, "doctor")
    rows = [row for row in reply["result"]["checks"] if row["verdict"] == "BLOCKER"]
    assert all(row["remedy"] for row in rows), rows
    assert status == (EXIT_BLOCKED if rows else 0) and reply["result"]["blockers"] == len(rows), reply
    return [row["code"] for row in rows]


def configure(host):
    """As docs/configuration.md says."""
    host.run("remus-ca authority /root/ca && remus-ca host /root/ca a && cd /etc/remus && "
             "cp /usr/share/doc/remus/examples/remus.conf . && "
             "cp /root/ca/ca.pem tls/ && cp /root/ca/a.pem tls/host.pem && cp /root/ca/a.key tls/host.key")


def check_orders(host):
    """What may not be ordered of a configured host whose peer is not there; nothing is left behind."""
    host.run("pkill -HUP -x remusd")
    refused(host, "protect nobody --to b", "no-such-vm", EXIT_NO_VM)
    refused(host, "protect web --to c", "no-such-peer", EXIT_USAGE)
    refused(host, "protect web --to b --interval 5000", "usage", EXIT_USAGE)
    refused(host, "protect web --to b", "no-peer", EXIT_FAILED)
    assert ask(host, "status web")[0]["result"]["protection"] == "none"
    assert not host.out("ls /var/lib/remus/vms")


def check_doctor(host):
    """A host just installed lacks its configuration; a configured one nothing; without its daemon just that."""
    assert blockers(host) == ["configuration", "certificates"]
    configure(host)
    assert blockers(host) == []
    rows = {row["code"]: row for row in ask(host, "doctor")[0]["result"]["checks"]}
    assert all(rows[code]["verdict"] == "ok" for code in ("hypervisor", "daemon", "bridge")), rows
    check_orders(host)
    host.run("pkill -9 -x remusd")
    assert blockers(host) == ["daemon"]


@test(timeout=600)
def operator_verbs(lab):
    """list, status and doctor say what is; bad arguments, an unknown VM, no permission and a dead or hung daemon are refused."""
    host = lab.boot(guests=True)
    host.start_backends()
    wait_daemon(host)
    refused(host, "status web", "no-such-vm", EXIT_NO_VM)
    guest = host.guest("web", nics=1).boot()
    check_guest(host, guest)
    refused(host, "status nobody", "no-such-vm", EXIT_NO_VM)
    refused(host, "status 'a\"b\\'", "no-such-vm", EXIT_NO_VM)
    refused(host, "list", "no-permission", EXIT_PERMISSION, prefix=NOBODY)
    for words in ("status", "status a b", "frobnicate", "--frob list", "list web", "--socket", "protect web", "protect --to b",
                  "protect web --to", "list --wait", "activate web --force"):
        refused(host, words, "usage", EXIT_USAGE)
    refused(host, "protect web --to b", "no-configuration", EXIT_BLOCKED)
    refused(host, "unprotect web", "no-such-vm", EXIT_NO_VM)
    refused(host, "activate web", "unconfirmed", EXIT_USAGE)
    refused(host, "activate web --confirm", "no-such-vm", EXIT_NO_VM)
    host.run("pkill -STOP -x remusd")
    refused(host, "list", "bad-reply", EXIT_DAEMON)
    host.run("pkill -CONT -x remusd")
    assert ask(host, "list")[1] == 0
    check_doctor(host)
    refused(host, "list", "no-daemon", EXIT_DAEMON)
    dom0.start_backends(host)
    wait_daemon(host)
    wait_backend(host, "web", lambda backend: backend["pid"])
    guest.run("true")
