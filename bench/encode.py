# How fast dirty pages become frames and frames pages again, on one CPU, beside memcpy and plain LZ4.
# SPDX-License-Identifier: Apache-2.0
#
# Native: no emulator is in it. encode.c measures by its own CPU time, so that what else runs does not count.

import subprocess

from .figures import Spread, ratios, table
from .hosts import ROOT

TITLE = "encoding and applying dirty pages, natively, on one CPU"
ROUNDS = None  # no hosts; encode.c repeats by itself
NATIVE = True
REPEATS = 9
MEBIBYTES = 64
PROGRAM = ROOT / "build/bench/encode"
SOURCES = ["bench/encode.c", "replication/encode/encode.c", "replication/encode/decode.c",
           "replication/encode/lines.c", "replication/wire/pages.c"]
COLUMNS = ("encode", "apply", "memcpy", "lz4", "unlz4", "sent")


def build():
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-fno-strict-aliasing", "-I.",
                    "-o", PROGRAM, *SOURCES, "-llz4", "-lxxhash"], cwd=ROOT, check=True)


def measure(lab, rounds):
    """{kind of memory: {column: [figure of each round]}}"""
    build()
    output = subprocess.run([PROGRAM, str(MEBIBYTES), str(rounds or REPEATS)], check=True,
                            capture_output=True, text=True).stdout
    results = {}
    for name, *figures in map(str.split, output.splitlines()):
        columns = results.setdefault(name, {column: [] for column in COLUMNS})
        for column, figure in zip(COLUMNS, figures):
            columns[column].append(float(figure))
    return results


def gigabytes(value):
    return "> 100" if value > 100 else format(value, ".1f" if value >= 10 else ".2f")


def text(results):
    speeds = table(["GB/s of dirty memory", *COLUMNS[:5], "bytes sent"],
                   [[name, *(gigabytes(Spread(columns[column]).median) for column in COLUMNS[:5]),
                     f"{Spread(columns['sent']).median:.1f}%"]
                    for name, columns in results.items()])
    compared = table(["ratio", "encode / memcpy", "min", "max", "encode / lz4", "min", "max"],
                     [[name, *ratios(columns["encode"], columns["memcpy"]).cells(".2f"),
                       *ratios(columns["encode"], columns["lz4"]).cells(".2f")]
                      for name, columns in results.items()])
    return (f"{speeds}\n\n{compared}\n\n"
            f"CPU time of one thread, {MEBIBYTES} MiB of pages a round, median of rounds.")
