"""Answers to labelled inputs, counted: sums of parts are those of the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tui.run import confusion
from tui.run.check import Confusion, Doubt

CLASSES = 4
ANSWERS = st.tuples(*[st.integers(0, CLASSES - 1)] * 4, st.floats(-9, 9))
"""Label, the answers of the three models, and the platform's margin."""


def of(rows: list[tuple[int, int, int, int, float]], first: int = 0) -> Confusion:
    labels, *answers, margins = zip(*rows, strict=True) if rows else ([], [], [], [], [])
    doubts = [
        Doubt(item=first + at, label=label, answer=answer, margin=margin)
        for at, (label, answer, margin) in enumerate(zip(labels, answers[2], margins, strict=True))
    ]
    return confusion.counted(labels, tuple(answers), doubts)  # type: ignore[arg-type]


@given(st.lists(ANSWERS, max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_parts_add_up_to_the_whole(rows: list[tuple[int, int, int, int, float]], one: int, other: int) -> None:
    begin, end = sorted((one, other))
    parts = [of(rows[:begin]), of(rows[begin:end], begin), of(rows[end:], end)]
    assert confusion.merged(parts) == confusion.merged(reversed(parts)) == of(rows)


@given(st.lists(ANSWERS, min_size=1, max_size=60))
def test_all_tables_are_those_of_the_answers(rows: list[tuple[int, int, int, int, float]]) -> None:
    found = of(rows)
    label, by_float, by_quantized, by_platform = (np.array([row[at] for row in rows]) for at in range(4))
    right = confusion.accuracy(found)
    assert (right.inputs, right.float_correct) == (len(rows), int((by_float == label).sum()))
    assert (right.quantized_correct, right.platform_correct) == (
        int((by_quantized == label).sum()),
        int((by_platform == label).sum()),
    )
    assert right.agree == int((by_quantized == by_platform).sum())
    assert confusion.disagreement(found, "float", "platform") == int((by_float != by_platform).sum())
    for model, answers in (("float", by_float), ("quantized", by_quantized), ("platform", by_platform)):
        expected = np.zeros((CLASSES, CLASSES), int)
        np.add.at(expected, (label, answers), 1)
        got = np.zeros_like(expected)
        for pair, count in confusion.matrix(found, model).items():  # type: ignore[arg-type]
            got[pair] = count
        assert (got == expected).all()
    for one in confusion.classes(found):
        mine = label == one.label
        assert one.inputs == int(mine.sum())
        assert one.platform_correct == int((by_platform[mine] == one.label).sum())
        wrong = by_platform[mine & (by_platform != label)]
        assert one.taken_for == (None if not wrong.size else int(np.bincount(wrong).argmax()))


def test_the_worst_come_first_each_once() -> None:
    margins = [3.0, -2.0, None, 0.5, -2.0, 3.0]
    doubts = [Doubt(item=at % 4, label=0, answer=0, margin=margin) for at, margin in enumerate(margins)]
    found = confusion.counted([0] * 6, ([0] * 6, [0] * 6, [0] * 6), doubts)
    assert [one.item for one in found.worst] == [2, 0, 3, 1]
    many = [Doubt(item=at, label=0, answer=1, margin=float(at)) for at in range(100)]
    assert [one.item for one in confusion.counted([], ([], [], []), many).worst] == list(range(confusion.WORST))
