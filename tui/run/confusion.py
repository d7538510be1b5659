"""Answers to labelled inputs, counted: a confusion matrix for each model, classes, disagreement, and the worst inputs.

A data set may be taken in parts, by several processes or machines. The counts of parts are added up; shares are only
taken of the sums, since parts differ in size.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from tui.run.check import Accuracy, Confusion, Counts, Doubt
from tui.run.figures import Figure

Model = Literal["float", "quantized", "platform"]
MODELS: tuple[Model, ...] = get_args(Model)

WORST = 20
"""Inputs that are kept for views, those with the least margin."""


class Class(Figure):
    """The inputs with one label."""

    label: int
    inputs: int
    float_correct: int
    quantized_correct: int
    platform_correct: int
    taken_for: int | None
    """The platform's most frequent wrong answer; None where it has none."""


def counted(
    labels: Sequence[int], answers: tuple[Sequence[int], Sequence[int], Sequence[int]], doubts: Iterable[Doubt]
) -> Confusion:
    """Count the answers of float model, quantized model and platform."""
    counts = Counter(zip(labels, *answers, strict=True))
    return Confusion(counts=_sorted(counts), worst=_worst(doubts))


def merged(parts: Iterable[Confusion]) -> Confusion:
    """Add up parts of a data set."""
    counts: Counter[tuple[int, int, int, int]] = Counter()
    doubts: list[Doubt] = []
    for part in parts:
        counts.update({(label, *answers): number for label, *answers, number in part.counts})
        doubts += part.worst
    return Confusion(counts=_sorted(counts), worst=_worst(doubts))


def _sorted(counts: Counter[tuple[int, int, int, int]]) -> tuple[Counts, ...]:
    return tuple((*key, number) for key, number in sorted(counts.items()))


def _worst(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Keep the least margins, each input once: a run with more inferences than inputs takes some again."""
    first = {doubt.item: doubt for doubt in doubts}
    least = sorted(first.values(), key=lambda one: (one.margin is not None, one.margin or 0.0, one.item))
    return tuple(least[:WORST])


def accuracy(confusion: Confusion) -> Accuracy:
    """Sum up correct answers."""
    rows = confusion.counts
    return Accuracy(
        inputs=sum(number for *_, number in rows),
        float_correct=sum(number for label, answer, _, _, number in rows if answer == label),
        quantized_correct=sum(number for label, _, answer, _, number in rows if answer == label),
        platform_correct=sum(number for label, _, _, answer, number in rows if answer == label),
        agree=sum(number for _, _, quantized, platform, number in rows if quantized == platform),
    )


def matrix(confusion: Confusion, model: Model) -> dict[tuple[int, int], int]:
    """Count inputs by label and answer of a model."""
    found: Counter[tuple[int, int]] = Counter()
    for row in confusion.counts:
        found[row[0], row[1 + MODELS.index(model)]] += row[-1]
    return dict(found)


def disagreement(confusion: Confusion, one: Model, other: Model) -> int:
    """Count inputs that two models answer differently."""
    a, b = 1 + MODELS.index(one), 1 + MODELS.index(other)
    return sum(row[-1] for row in confusion.counts if row[a] != row[b])


def classes(confusion: Confusion) -> tuple[Class, ...]:
    """Sum up each class, in the order of labels."""
    by_label: dict[int, list[Counts]] = {}
    for row in confusion.counts:
        by_label.setdefault(row[0], []).append(row)
    return tuple(_class(label, rows) for label, rows in sorted(by_label.items()))


def _class(label: int, rows: Sequence[Counts]) -> Class:
    wrong: Counter[int] = Counter()
    for *_, answer, number in rows:
        if answer != label:
            wrong[answer] += number
    right = [sum(row[-1] for row in rows if row[1 + at] == label) for at in range(len(MODELS))]
    return Class(
        label=label,
        inputs=sum(row[-1] for row in rows),
        float_correct=right[0],
        quantized_correct=right[1],
        platform_correct=right[2],
        # Of equally frequent ones the first class, so that the order of parts does not matter.
        taken_for=min(wrong, key=lambda answer: (-wrong[answer], answer), default=None),
    )
