# What a command left behind.
# SPDX-License-Identifier: Apache-2.0

import dataclasses


@dataclasses.dataclass
class Result:
    out: str
    err: str
    status: int  # negative: ended by that signal
