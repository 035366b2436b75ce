#!/usr/bin/python3
# In dom0: fills a ring that a guest granted with garbage, as a hostile frontend in it would.
# SPDX-License-Identifier: Apache-2.0
#
# usage: scribble.py DOMID RING_REF SECONDS

import ctypes
import os
import sys
import time

PAGE = 4096
SLOTS = 64  # where they begin; the number of requests is the first word of the page

library = ctypes.CDLL("libxengnttab.so.1", use_errno=True)
library.xengnttab_open.restype = ctypes.c_void_p
library.xengnttab_map_grant_ref.restype = ctypes.c_void_p
library.xengnttab_map_grant_ref.argtypes = [ctypes.c_void_p] + [ctypes.c_uint32] * 2 + [ctypes.c_int]
handle = library.xengnttab_open(None, 0)
address = library.xengnttab_map_grant_ref(handle, int(sys.argv[1]), int(sys.argv[2]), 3)
if not address:
    sys.exit(f"cannot map the ring: {os.strerror(ctypes.get_errno())}")

# Again and again: the frontend that is really there writes as well.
req_prod = ctypes.c_uint32.from_address(address)
end = time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    ctypes.memmove(address + SLOTS, os.urandom(PAGE - SLOTS), PAGE - SLOTS)
    req_prod.value = (req_prod.value + 7) % (1 << 32)
