"""A shipped corosync.conf with a test's addresses and timing."""
# SPDX-License-Identifier: Apache-2.0

import re
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "toolstack/host"
TIMES = ("token", "consensus")
DEVICE_TIMES = ("timeout", "sync_timeout")


def configured(template, addresses, device=None, stretch=1, device_stretch=1, is_secret=True,
               log="to_syslog: no\n    to_stderr: yes"):
    """addresses: of each host by its number, on both links. No TLS to the quorum device, which wants certificates. is_secret:
    encrypted; emulated hosts would do little else."""
    text = (EXAMPLES / template).read_text()
    for link, network in enumerate(("192.0.2", "198.51.100")):
        text = re.sub(rf"{re.escape(network)}\.(\d+)", lambda m: addresses[int(m[1])][link], text)
    text = text.replace("tls: on", "tls: off").replace("to_syslog: yes", log)
    if not is_secret:
        text = text.replace("crypto_cipher: aes256", "crypto_cipher: none").replace("crypto_hash: sha256", "crypto_hash: none")
    if device:
        text = text.replace("203.0.113.9", device)
    factors = dict.fromkeys(TIMES, stretch) | dict.fromkeys(DEVICE_TIMES, device_stretch)
    for name, factor in factors.items():
        text = re.sub(rf"(?<= {name}: )(\d+)", lambda m: str(int(m[1]) * factor), text)
    return text
