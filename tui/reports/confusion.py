"""Answers to labelled inputs as tables: classes, confusion matrix, disagreement, and the worst inputs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tui.reports.format import accuracy, difference, number, table
from tui.run import confusion
from tui.run.check import Accuracy, Confusion
from tui.run.state import State

SHOWN = 20
"""Classes of a table; with more, those that the platform gets wrong most often, and no matrix."""
NONE = "no labelled inputs: --dataset with an array labels, or ModelDataset in the model's file"

SHADES = 4
CLASSES = ("class", "inputs", "float", "quantized", "platform", "right", "taken for")
WORST = ("item", "label", "answer", "margin")


def accuracy_words(right: Accuracy) -> str:
    """Correct answers of float, quantized and platform, and how many are the same."""
    return (
        f"float {right.float_correct}, quantized {right.quantized_correct}, platform {right.platform_correct}"
        f" of {right.inputs} correct; platform and quantized agree on {right.agree}"
    )


def disagreement_words(found: Confusion) -> str:
    """The number of inputs that models answer differently, pair by pair."""
    pairs = (("float", "quantized"), ("quantized", "platform"), ("float", "platform"))
    differ = [f"{one} and {other} on {number(confusion.disagreement(found, one, other))}" for one, other in pairs]  # type: ignore[arg-type]
    return f"answers differ: {', '.join(differ)}"


def class_rows(found: Confusion) -> list[list[str]]:
    """A row for each class: inputs, right answers of each model, and what the platform takes it for most often."""
    classes = list(confusion.classes(found))
    if len(classes) > SHOWN:
        classes = sorted(classes, key=lambda one: (one.platform_correct / one.inputs, one.label))[:SHOWN]
    return [
        [
            str(one.label),
            number(one.inputs),
            number(one.float_correct),
            number(one.quantized_correct),
            number(one.platform_correct),
            accuracy(one.platform_correct / one.inputs),
            "" if one.taken_for is None else str(one.taken_for),
        ]
        for one in classes
    ]


def class_note(found: Confusion) -> str | None:
    """The words on classes that a table leaves out; None where it has all."""
    count = len(confusion.classes(found))
    return f"the {SHOWN} of {number(count)} classes with the fewest right answers" if count > SHOWN else None


def matrix(found: Confusion, model: confusion.Model = "platform") -> tuple[list[int], list[list[int]]]:
    """Labels and answers, and the counts of a model: a row for each label; empty where there are too many classes."""
    counts = confusion.matrix(found, model)
    known = sorted({label for pair in counts for label in pair})
    if len(known) > SHOWN:
        return [], []
    return known, [[counts.get((label, answer), 0) for answer in known] for label in known]


def matrix_rows(found: Confusion) -> list[list[str]]:
    """The confusion matrix of the platform, with its head: a row for each label, a column for each answer."""
    known, rows = matrix(found)
    if not known:
        return []
    head = ["label \\ answer", *map(str, known)]
    return [
        head,
        *([str(label), *(number(n) if n else "·" for n in row)] for label, row in zip(known, rows, strict=True)),
    ]


def worst_rows(found: Confusion, most: int = SHOWN) -> list[list[str]]:
    """A row for each of the inputs with the least margin: place in the data set, label, answer, margin."""
    return [[str(one.item), str(one.label), str(one.answer), difference(one.margin)] for one in found.worst[:most]]


@dataclass(frozen=True)
class Tables:
    """The tables of a page (``confusion.html.jinja``)."""

    disagreement: str
    heads: Sequence[str]
    classes: list[list[str]]
    note: str | None
    labels: list[int]
    matrix: list[list[int]]
    worst_heads: Sequence[str]
    worst: list[list[str]]

    def shade(self, row: int, answer: int) -> str:
        """The class of a count: right or wrong, and how large a part of its label's inputs; empty for none."""
        count = self.matrix[row][answer]
        parts = SHADES * count / max(sum(self.matrix[row]), 1)
        return f"{'right' if row == answer else 'wrong'}-{max(math.ceil(parts), 1)}" if count else ""


def for_page(found: Confusion | None) -> Tables | None:
    """Make the tables of a page; None without labelled inputs, of which one has no classes."""
    if found is None or confusion.accuracy(found).inputs < 2:
        return None
    labels, rows = matrix(found)
    return Tables(
        disagreement_words(found), CLASSES, class_rows(found), class_note(found), labels, rows, WORST, worst_rows(found)
    )


def accuracy_tables(state: State) -> str:
    """Print all that is known of the answers of a run."""
    found = state.check.confusion if state.check is not None else None
    return NONE if found is None else "\n".join(tables(found))


def tables(found: Confusion) -> Iterator[str]:
    """Print accuracy, disagreement, classes, confusion matrix and the worst inputs."""
    right = confusion.accuracy(found)
    yield f"{accuracy(right.platform_correct / max(right.inputs, 1))}  {accuracy_words(right)}"
    yield disagreement_words(found)
    yield ""
    yield from table([list(CLASSES), *class_rows(found)], right=(1, 2, 3, 4, 5))
    if note := class_note(found):
        yield note
    if rows := matrix_rows(found):
        yield from ("", "the platform's answers, by label")
        yield from table(rows, right=tuple(range(1, len(rows[0]))))
    yield from ("", "least margin: score of the label less the best other one")
    yield from table([list(WORST), *worst_rows(found)], right=(0, 3))
