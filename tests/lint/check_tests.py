#!/usr/bin/env python3
"""Each system test has a name of its own: of two with one name, none of them all would run."""
# SPDX-License-Identifier: Apache-2.0

import sys

sys.path.insert(0, "tests/hosts")
from rig import registry  # noqa: E402  (found through the line above)

try:
    registry.load()
except ValueError as error:
    print(f"tests/hosts:1: {error}")
    sys.exit(1)
