#!/usr/bin/python3
# In dom0: a fence agent for emulated hosts, by the convention of Debian's fence-agents.
# SPDX-License-Identifier: Apache-2.0
#
# stdin: lines NAME=VALUE: action (off, on, status, monitor, metadata), ip, ipport (of the rig's power.py), plug (the host's
# name). Exit status: 0 done, or on; 2 status: off; 1 neither.

import socket
import sys

METADATA = """<?xml version="1.0" ?>
<resource-agent name="fence_remus_qmp" shortdesc="Fence agent for emulated hosts">
<parameters>
<parameter name="action" required="1"><content type="string" default="off" /></parameter>
<parameter name="ip" required="1"><content type="string" /></parameter>
<parameter name="ipport" required="0"><content type="integer" default="7623" /></parameter>
<parameter name="plug" required="1"><content type="string" /></parameter>
</parameters>
<actions>
<action name="off" /><action name="on" /><action name="status" /><action name="monitor" />
<action name="metadata" />
</actions>
</resource-agent>"""


def ask(options, action):
    """The board's answer, or None."""
    address = (options["ip"], int(options.get("ipport", "7623")))
    try:
        with socket.create_connection(address, timeout=10) as board:
            board.sendall(f"{action} {options['plug']}\n".encode())
            return board.makefile().readline().strip() or None
    except OSError as err:
        print(f"{address[0]}: {err}", file=sys.stderr)
        return None


def main():
    options = dict(line.strip().split("=", 1) for line in sys.stdin if "=" in line)
    action = options.get("action", "off")
    if action == "metadata":
        print(METADATA)
        return 0
    if not {"ip", "plug"} <= options.keys():
        print("needs ip and plug", file=sys.stderr)
        return 1
    answer = ask(options, "status" if action == "monitor" else action)
    if action == "status":
        return {"on": 0, "off": 2}.get(answer, 1)
    if action == "monitor":
        return 0 if answer in ("on", "off") else 1
    return 0 if answer == action else 1


if __name__ == "__main__":
    sys.exit(main())
