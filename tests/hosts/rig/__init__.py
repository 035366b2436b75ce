# The rig: emulated hosts for system tests. What a test module imports is named here.
# SPDX-License-Identifier: Apache-2.0

from .errors import CommandFailed, HostFailed, RigError, TimedOut  # noqa: F401
from .registry import test  # noqa: F401
