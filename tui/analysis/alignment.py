"""Operators of two runs of one network, paired in its order: for runs whose modules do not go by the same names.

Two compilers call an operator what they like, and turn a fully connected layer into a convolution; its MACs and the
size of its output they keep. What only one of them has - a transpose, a copy - stays alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from tui.run.figures import Operator

SAME_WORK, SAME_KIND_AND_SIZE, SAME_KIND = 8, 4, 1
"""Worth of a pair: the same MACs; the same operator with an output of the same size; the same operator."""

ENOUGH = 0.5
"""Share of the MACs of either run that pairs must have for the two to be one network."""

LONGEST = 1500
"""Operators from which on runs are not paired: the time for it grows with the square."""


@dataclass(frozen=True)
class Step:
    """An operator with those that are fused into it."""

    name: str
    op: str
    cycles: int
    macs: int
    elements: int
    line: str | None = None


Pair = tuple[Step | None, Step | None]


def steps(operators: Sequence[Operator]) -> list[Step]:
    """The operators of a run in the order they run, without those that are done in passing."""
    ordered = [o for o in operators if o.fused_into is None and (o.cycles or o.macs)]
    if all(o.time is not None for o in ordered):
        ordered.sort(key=lambda o: (o.partition, o.time or 0))
    return [Step(o.name, o.op, o.cycles or 0, o.macs or 0, prod(o.ofm_shape), o.line) for o in ordered]


def _worth(a: Step, b: Step) -> int:
    """Worth of a pair; 0 where the two have nothing to do with each other."""
    if a.macs and a.macs == b.macs:
        return SAME_WORK + (SAME_KIND if a.op == b.op else 0)
    if bool(a.macs) != bool(b.macs) or a.op != b.op:
        return 0
    return SAME_KIND_AND_SIZE if a.elements == b.elements else SAME_KIND


def pairs(a: Sequence[Step], b: Sequence[Step]) -> list[Pair] | None:
    """Pair the steps of two runs, in order; None where they are of two networks.

    Of all ways to pair them it is one whose pairs are worth the most.
    """
    if max(len(a), len(b), 1) > LONGEST:
        return None
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        row, below = best[i], best[i + 1]
        for j in reversed(range(len(b))):
            worth = _worth(a[i], b[j])
            row[j] = max(below[j], row[j + 1], below[j + 1] + worth if worth else 0)
    found = _walked(a, b, best)
    return found if _is_one_network(found) else None


def _walked(a: Sequence[Step], b: Sequence[Step], best: Sequence[Sequence[int]]) -> list[Pair]:
    i = j = 0
    found: list[Pair] = []
    while i < len(a) and j < len(b):
        worth = _worth(a[i], b[j])
        if worth and best[i][j] == best[i + 1][j + 1] + worth:
            found.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((a[i], None))
            i += 1
        else:
            found.append((None, b[j]))
            j += 1
    return [*found, *((step, None) for step in a[i:]), *((None, step) for step in b[j:])]


def _is_one_network(found: Sequence[Pair]) -> bool:
    """True if pairs have most of the work of both sides."""
    both = sum(a.macs for a, b in found if a is not None and b is not None and a.macs == b.macs)
    most = max(sum(a.macs for a, _ in found if a is not None), sum(b.macs for _, b in found if b is not None))
    return bool(most) and both >= ENOUGH * most
