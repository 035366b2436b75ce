# Benchmarks in short: they run, and what they find is plausible. The figures are for bench/run.py.
# SPDX-License-Identifier: Apache-2.0

import pathlib
import sys

from rig import test

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from bench import boot, checkpoint, exits, guest, size  # noqa: E402  (found through the line above)


def fits_a_terminal(text):
    return all(len(line) <= 80 for line in text.splitlines())


@test(timeout=600)
def bench_boot(lab):
    """xen-core, the bare kernel and Debian's Xen are booted and timed in turns."""
    results = boot.measure(lab, rounds=1)
    for kind in boot.KINDS:
        (sample,) = results[kind]
        assert sample.seconds > 0 and sample.cpu > 0, (kind, sample)
        assert kind == "bare" or 0 < sample.before_kernel < sample.seconds, (kind, sample)
    assert fits_a_terminal(boot.text(results))


@test(timeout=600)
def bench_exits(lab):
    """Exits, hypercalls, events and sleeps are timed on xen-core and Debian's Xen (PVH dom0)."""
    results = exits.measure(lab, rounds=1, batches=30)
    for kind in exits.KINDS:
        (sample,) = results[kind]
        assert set(sample) == set(exits.ROWS), (kind, sample)
        # Only undisturbed batches are sure to take longer than the undisturbed baseline.
        for name, (_median, quick, _slow) in sample.items():
            assert quick > 0, (kind, name, sample[name])
    assert fits_a_terminal(exits.text(results))


@test(timeout=1800, soak=True)
def bench_guest(lab):
    """A guest's life, disk, network and processor are measured on xen-core and Debian's Xen."""
    results = guest.measure(lab, rounds=1, seconds=1)
    for kind in guest.KINDS:
        (sample,) = results[kind]
        assert set(sample) == set(guest.ROWS), (kind, sample)
        assert all(value > 0 for value in sample.values()), (kind, sample)
    assert fits_a_terminal(guest.text(results))


@test(timeout=1800, soak=True)
def bench_checkpoint(lab):
    """Pauses and the speed of a guest that is captured are measured, beside Debian's xl remus."""
    speeds, rows = results = checkpoint.measure(lab, rounds=1, sizes=(256,))
    for kind in checkpoint.KINDS:
        (sample,) = speeds[kind]
        assert all(turn["rate"] > 0 for load in checkpoint.LOADS for turn in sample[load]), sample
    for row in rows:
        assert row["pace"]["epochs"] > 1 and row["pace"]["dirty_p50"] >= row["pages"], row
    assert fits_a_terminal(checkpoint.text(results))


@test
def bench_size(_lab):
    """The image and the sources are measured."""
    results = size.measure(None, None)
    assert all(results["image"].values()), results["image"]
    assert results["lines"]["xen-core/boot"][1] > 0, results["lines"]
    assert fits_a_terminal(size.text(results))
