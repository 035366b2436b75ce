# Guests that cannot be: xl says why, and nothing of them is left behind.
# SPDX-License-Identifier: Apache-2.0
#
#     dom0 of a: a guest's configuration with one thing wrong at a time

import re

from rig import dom0, test

# What is wrong, what it is set to, what xl must say.
WRONG = [
    ("memory beyond the host's", {"memory": 1000000}, r"fail.*(memory|free)|not enough.*memory"),
    ("more vCPUs than there can be", {"vcpus": 2000}, r"vcpus|creat\w* fail|fail\w* to creat"),
    ("no such kernel", {"kernel": "/srv/none"}, r"No such file"),
    ("a kernel that is none", {"kernel": "/etc/passwd"}, r"kernel|image"),
    ("no such ramdisk", {"ramdisk": "/srv/none"}, r"No such file"),
    ("no such disk", {"disk": ["/srv/none,raw,xvda,w"]}, r"/srv/none.*(No such file|not|fail)"),
    ("no such bridge", {"vif": ["bridge=none"]}, r"bridge|vif"),
    ("no such option of a disk", {"disk": ["phy:/dev/vdb,xvda,w,what=1"]}, r"what|disk"),
]
NEEDS_BACKENDS = ("disk", "vif")


def refused(host, settings, pattern):
    """xl create must fail with these settings; returns its message, or what is wrong with it."""
    guest = host.guest("bad", **settings)
    result = guest.create(check=False)
    if result.status == 0:
        guest.destroy()
        return f"{settings} was accepted"
    if not re.search(pattern, result.err, re.IGNORECASE):
        return f"{settings}: xl's words do not tell: {result.err.strip()}"
    return None


@test(name="guest_bad_config", backends=False, timeout=1200)
@test(name="guest_bad_devices", backends=True, timeout=1200, soak=True)
def guest_bad(lab, backends):
    host = lab.boot(guests=True)
    good = host.guest("good", nics=1 if backends else 0).boot()
    before, free = dom0.traces(host), dom0.domains(host).free
    complaints = []
    for what, settings, pattern in WRONG:
        if backends == any(key in NEEDS_BACKENDS for key in settings):
            complaints.append(refused(host, settings, pattern))
            dom0.wait_traces(host, before)
            assert not re.search("^bad ", host.out("xl list"), re.MULTILINE), what
    complaints = [text for text in complaints if text]
    assert not complaints, "\n".join(complaints)
    assert dom0.frames_lost(host, free) == 0
    good.run("true")
