# Boot: dom0 comes up on the hypervisor by every way there is, and works.
# SPDX-License-Identifier: Apache-2.0
#
#     client (10.66.0.1) ---- lan ---- a (10.66.0.11): the hypervisor, dom0

import json
import re
import time

from rig import HostFailed, inputs, test


@test(name="boot_shell_1cpu", cpus=1)
@test(name="boot_shell_2cpu", cpus=2)
@test(name="boot_shell_4cpu", cpus=4)
def boot_shell(lab, cpus):
    start = time.monotonic()
    host = lab.boot(cpus=cpus)
    lab.note(f"dom0 answers after {time.monotonic() - start:.1f} s")
    assert host.out("nproc") == str(cpus)
    host.run(f"ping -c 1 -W 5 {lab.client().addresses['lan']}")


@test
def boot_elf_kernel(lab):
    """The loader takes an unpacked kernel as well as a bzImage."""
    lab.boot(kernel=inputs.elf_kernel(lab)).run("true")


@test(name="boot_login_1cpu", cpus=1, timeout=900)
@test(name="boot_login_2cpu", cpus=2, timeout=900)
@test(name="boot_login_4cpu", cpus=4, timeout=900)
def boot_login(lab, cpus):
    """Debian as users have it reaches its login prompt; everything it starts does start."""
    host = lab.host(cpus=cpus, init="systemd").start()
    host.console.expect(r"^\S* ?login: ", timeout=600)
    host.console.send("root\n")
    host.console.expect(r"Password: ", timeout=60)
    host.console.send("remus\n")
    host.console.expect(r"root@a:~# ", timeout=60)
    host.console.send("echo $((6 * 7)) vCPUs=$(nproc)\n")
    host.console.expect(rf"^42 vCPUs={cpus}$", timeout=60)

    host.wait_boot()
    state = host.run("systemctl is-system-running --wait", check=False, timeout=120).out.strip()
    failed = host.out("systemctl list-units --failed --plain --no-legend")
    assert (state, failed) == ("running", ""), f"system is {state}; failed units: {failed}"
    if host.settings.hypervisor != "none":
        assert "Domain-0" in host.out("xl list"), "Debian's xen service did not start xenstored"


@test(timeout=600)
def boot_disk_network(lab):
    """200 MB are written to disk, read back, and fetched over the network."""
    host = lab.boot()
    # Not all zeros, and not bound by the random number generator either.
    host.run("mkdir -p /srv && cd /srv && head -c 1000000 /dev/urandom >part && "
             "for i in $(seq 200); do cat part; echo $i; done >data", timeout=300)
    written = host.out("cd /srv && sha256sum <data", timeout=300)
    host.run("sync && echo 3 >/proc/sys/vm/drop_caches")
    assert host.out("cd /srv && sha256sum <data", timeout=300) == written, "read back differs"

    host.run("busybox httpd -p 80 -h /srv")
    fetched = lab.client().run(f"curl -sS http://{host.address()}/data | sha256sum",
                               timeout=300).out.strip()
    assert fetched == written, "what came over the network differs"


def clock_offset(host):
    """dom0's monotonic clock minus ours, from the quickest of several exchanges."""
    samples = []
    for _ in range(8):
        before = time.monotonic()
        theirs = host.clock()
        after = time.monotonic()
        samples.append((after - before, theirs - (before + after) / 2))
    return min(samples)[1]


@test(timeout=240)
def boot_clock(lab):
    """dom0's clock keeps pace with ours within 0.1% over a minute."""
    host = lab.boot()
    first, start = clock_offset(host), time.monotonic()
    time.sleep(60)
    drift = (clock_offset(host) - first) / (time.monotonic() - start)
    lab.note(f"drift {drift * 100:+.4f}%")
    assert abs(drift) < 0.001


def complaints(host):
    """What dom0's kernel and the hypervisor have logged as a warning or worse."""
    lines = host.out("dmesg --level=emerg,alert,crit,err,warn --notime").splitlines()
    if host.settings.hypervisor != "none":
        lines += [line for line in host.out("xl dmesg").splitlines()
                  if re.search(r"\b(warning|error|fatal|panic|bug)\b", line, re.IGNORECASE)]
    return lines


@test(timeout=400, soak=True)
def boot_stress(lab):
    """A minute of load on CPUs, memory, timers and pipes leaves no complaint in any log."""
    host = lab.boot(toolstack=True)
    before = complaints(host)
    # No --timer-freq: its default of a million a second is more than the emulated clock can give.
    host.run("stress-ng --cpu 2 --vm 1 --vm-bytes 128M --timer 1 --timer-freq 1000 --pipe 1 "
             "--timeout 60 --oomable", timeout=240)
    fresh = [line for line in complaints(host) if line not in before]
    assert not fresh, "new complaints:\n" + "\n".join(fresh)


@test(name="boot_grub_bios", boot="grub-bios")
@test(name="boot_grub_uefi", boot="grub-uefi", timeout=300)
def boot_grub(lab, boot):
    host = lab.boot(boot=boot)
    assert host.out("nproc") == "2"


@test(timeout=300)
def boot_toolstack(lab):
    """Debian's tools see the host as it is."""
    host = lab.boot(cpus=2, toolstack=True)

    info = dict(re.findall(r"^(\w+)\s*: (.*)$", host.out("xl info"), re.MULTILINE))
    assert (info["nr_cpus"], info["xen_major"], info["xen_minor"]) == ("2", "4", "17"), info
    assert "hvm" in info["virt_caps"].split(), info["virt_caps"]
    assert abs(int(info["total_memory"]) - host.settings.memory) < 64, info["total_memory"]
    assert 0 < int(info["free_memory"]) < host.settings.memory - host.settings.dom0_memory

    (dom0,) = json.loads(host.out("xl list -l"))
    assert dom0["domid"] == 0
    row = host.out("xl list").splitlines()[1].split()
    assert row[:2] == ["Domain-0", "0"] and row[3] == "2", row
    assert abs(int(row[2]) - host.settings.dom0_memory) < 64, row

    rows = [line.split() for line in host.out("xl vcpu-list").splitlines()[1:]]
    assert [row[:3] for row in rows] == [["Domain-0", "0", "0"], ["Domain-0", "0", "1"]], rows

    assert re.search(r"^\s*Domain-0 .*\d", host.out("xentop -b -i 1"), re.MULTILINE)
    assert 'name = "Domain-0"' in host.out("xenstore-ls /local/domain/0")
    assert host.out("xl dmesg")


@test
def boot_poweroff(lab):
    host = lab.boot()
    host.run("(sleep 0.2; sync; busybox poweroff -f) >/dev/null 2>&1 &")
    reason = host.wait_exit()
    assert reason == "guest-shutdown", reason


@test
def boot_reboot(lab):
    host = lab.boot()
    host.run("(sleep 0.2; sync; busybox reboot -f) >/dev/null 2>&1 &")
    reason = host.wait_exit()
    assert reason == "guest-reset", reason


@test(name="boot_selftest_1cpu", cpus=1)
@test(name="boot_selftest_2cpu", cpus=2)
@test(name="boot_selftest_4cpu", cpus=4)
def boot_selftest(lab, cpus):
    """The hypervisor's own tests, run inside it instead of a dom0."""
    host = lab.host(cpus=cpus, modules=False, xen_options="selftest").start()
    end = host.console.expect(r"selftest: (\d+) passed, (\d+) failed", timeout=120)
    failed = re.findall(r"selftest: \S+: FAILED.*", host.console.text)
    assert not failed and end.group(2) == "0", "\n".join(failed)
    assert int(end.group(1)) > 0, "no test ran"
    lab.note(f"{end.group(1)} tests in the hypervisor")
    assert host.wait_exit() == "guest-shutdown"


# Broken inputs: each ends in one clear line on the console, which the rig turns into HostFailed.


def fails_to_boot(lab, pattern, **settings):
    """Boot a host that must give up with a fatal message matching pattern, and must not go on."""
    host = lab.host(**settings).start()
    try:
        host.wait_boot(timeout=90)
    except HostFailed as failure:
        assert re.search(r"FATAL: .*" + pattern, str(failure), re.IGNORECASE), failure
        assert host.wait_exit() in ("guest-reset", "guest-shutdown")
        return
    raise AssertionError("the host booted")


@test
def boot_bad_no_svm(lab):
    fails_to_boot(lab, r"\bSVM\b", cpu="EPYC,-svm")


@test
def boot_bad_no_npt(lab):
    fails_to_boot(lab, r"nested pag|\bNPT\b", cpu="EPYC,+svm,-npt")


@test
def boot_bad_no_module(lab):
    fails_to_boot(lab, r"kernel|module", modules=False)


@test
def boot_bad_truncated_kernel(lab):
    fails_to_boot(lab, r"kernel", kernel=inputs.truncated(lab))


@test
def boot_bad_no_pvh_note(lab):
    fails_to_boot(lab, r"PVH|note", kernel=inputs.without_pvh_note(lab))


@test
def boot_bad_dom0_mem(lab):
    fails_to_boot(lab, r"dom0_mem|memory", dom0_memory=4096)


@test
def boot_bad_option(lab):
    """A word that the hypervisor does not know is named on the console, and the boot goes on."""
    host = lab.boot(xen_options="foo=1")
    host.console.expect(r"unknown option.*foo", timeout=1)


@test(timeout=300)
def boot_watchdog(lab):
    """A dom0 that no longer feeds the hypervisor's watchdog is reset, by Linux's own driver for it."""
    host = lab.boot()
    host.run("modprobe xen_wdt heartbeat=4")
    host.run("for i in 1 2 3 4 5 6; do echo fed >/dev/watchdog; sleep 2; done", timeout=60)
    host.console.expect(r"domain 0 has not fed its watchdog", timeout=120, failing=True)
    host.wait_exit(60)
