# Figures for people: medians with their spread, in tables that fit a terminal.
# SPDX-License-Identifier: Apache-2.0

import statistics


class Spread:
    """The median of some samples, the least and the greatest of them."""

    def __init__(self, samples):
        self.median = statistics.median(samples)
        self.least = min(samples)
        self.greatest = max(samples)

    def cells(self, form):
        return [format(value, form) for value in (self.median, self.least, self.greatest)]


def ratios(samples, others):
    """How samples compare with others of the same rounds, round by round."""
    return Spread([sample / other for sample, other in zip(samples, others)])


def table(head, rows):
    """The first column to the left, the others to the right, each as wide as it must be."""
    lines = [head] + rows
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0])]
                  + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]).rstrip()
        for line in lines)
