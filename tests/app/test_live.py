"""What is drawn of a run that goes on or did not end well: only text, in every width, told without colour, too."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tests.app import fakes
from tests.app.test_hostile import CONTROLS, TEXTS
from tui.app.widgets.answer import AnswerView, verdict
from tui.app.widgets.inferences import InferencesView
from tui.app.widgets.lines import Lines
from tui.app.widgets.paint import Paint
from tui.app.widgets.spark import spark
from tui.app.widgets.waterfall import WaterfallView
from tui.app.widgets.why import WhyView
from tui.app.widgets.words import wrapped
from tui.reports.inferring import Inferring
from tui.reports.waterfall import waterfall
from tui.reports.why import Why
from tui.run import events
from tui.run.check import Accuracy, Answer
from tui.run.state import fold_all
from tui.run.usual import Usual

WORDS = st.text(max_size=40) | st.sampled_from([text[:3_000] for text in TEXTS])
WIDTHS = st.integers(1, 220)
PLAIN = Paint(Style(), {}, ansi=False, no_color=True)
USUAL = Usual(stages={"load": 0.4, "export": 0.6, "quantize": 1.1, "lower": 20.0, "vela": 0.5, "emit": 1.0}, runs=3)


def drawn(widget: Lines, width: int) -> list[str]:
    """Rows as they come to the screen, without blanks at their ends."""
    return [strip.adjust_cell_length(width).text.rstrip() for strip in widget.drawn(width, PLAIN)]


def only_text(rows: Sequence[str], width: int) -> bool:
    return all(not set(text) & set(CONTROLS) and cell_len(text) <= width for text in rows)


@given(WORDS, WIDTHS)
def test_progress_is_only_text_and_never_wider_than_the_chart(words: str, width: int) -> None:
    what = [
        *fakes.begun("a", fakes.spec_of(), alive=False),
        *fakes.compiled()[:6],
        events.StageStarted(t=fakes.T0 + 2, stage="lower"),
        events.StageProgressed(t=fakes.T0 + 9, stage="lower", what=words, done=3, total=9),
    ]
    view = WaterfallView()
    for now in (2.1, 9.0, 21.9, 500.0):
        view.show(waterfall(fold_all(what), USUAL, fakes.T0 + now))  # type: ignore[arg-type]
        rows = drawn(view, width)
        assert len(rows) == 10
        assert only_text(rows, width)


def test_each_stage_has_a_sign_that_needs_no_colour() -> None:
    what = [
        *fakes.begun("a", fakes.spec_of(), alive=False),
        *fakes.compiled()[:6],
        events.StageStarted(t=fakes.T0 + 2, stage="lower"),
    ]
    view = WaterfallView()
    view.show(waterfall(fold_all(what), USUAL, fakes.T0 + 12))  # type: ignore[arg-type]
    rows = drawn(view, 80)
    assert [row[0] for row in rows] == [" ", "✓", "✓", "✓", "●", "○", "○", "○", "○", "○"]
    assert "█" in rows[4] and "┄" in rows[4] and "█" not in rows[5] and "┄" in rows[5]
    # Nothing is known of how long the platform takes.
    assert not any("┄" in row for row in rows[7:])
    assert rows[4].endswith("10 s   20.0 s") and rows[7].endswith("–")


def test_where_there_is_no_room_for_words_progress_is_in_figures() -> None:
    what = [
        *fakes.begun("a", fakes.spec_of(), alive=False),
        events.StageStarted(t=fakes.T0, stage="lower"),
        events.StageProgressed(t=fakes.T0 + 9, stage="lower", what="passes", done=34, total=147),
    ]
    view = WaterfallView()
    view.show(waterfall(fold_all(what), USUAL, fakes.T0 + 10))  # type: ignore[arg-type]
    assert "█ passes 34 of 147 ┄" in drawn(view, 100)[4]
    assert "34/147" in drawn(view, 50)[4] and "passes" not in drawn(view, 50)[4]


@given(WORDS, WORDS, WIDTHS)
def test_a_reason_is_only_text_and_never_wider_than_its_card(words: str, others: str, width: int) -> None:
    view = WhyView()
    shown = Why(cause=words, line=f"{others}:3", beside=words, stage=others, links=words, remedy=others)
    view.show(shown, [("e", "opens the line"), ("r", "runs again")], words)
    assert only_text(drawn(view, width), width)


def test_a_reason_keeps_its_labels_apart_from_its_words() -> None:
    view = WhyView()
    view.show(
        Why(
            cause="it is not quantized", line="/a/very/long/path/split.py:31", stage="lower, 4 of 9", remedy="do " * 90
        ),
        [("e", "opens the line"), ("r", "runs again"), ("R", "edits, then runs again")],
        "return torch.atan2(y, x)",
        rows=40,
    )
    rows = drawn(view, 60)
    assert rows[0] == "it is not quantized" and rows[1] == ""
    assert rows[2].startswith("where   /a/very/long/path/split.py:31   return torch.atan2(")
    assert rows[3] == "stage   lower, 4 of 9"
    assert rows[4].startswith("try     do do") and rows[5].startswith("        do do") and rows[6].endswith("…")
    assert rows[7:] == ["keys    e opens the line   r runs again", "        R edits, then runs again"]


@given(st.lists(st.floats(0, 1e9), max_size=50), st.integers(0, 60))
def test_columns_are_as_many_as_there_is_room_for(values: list[float], cells: int) -> None:
    assert len(spark(values, cells)) == min(len(values), cells)


def test_noise_does_not_look_like_news() -> None:
    assert spark([100.0, 101.0, 99.0, 100.5], 10) == "▁▁▁▁"
    assert spark([5.0] * 4, 10) == "▄▄▄▄"
    assert spark([1.0, 1.0, 9.0, 1.0], 10) == "▁▁█▁"
    assert spark([1.0, 9.0, 2.0], 2) == "█▁"


INFERRING = Inferring(
    done=214,
    asked=360,
    rate=66.2,
    walls=(0.015,) * 214,
    cycles=(6_163,) * 214,
    source="estimated",
    accuracy=Accuracy(inputs=214, float_correct=213, quantized_correct=213, platform_correct=212, agree=213),
    waiting=False,
)


def test_inferences_are_told_by_count_pace_spread_and_right_answers() -> None:
    view = InferencesView()
    view.show(INFERRING, Answer(inference=213, label=7, top=((9, 3.9), (7, 2.0))))
    rows = drawn(view, 78)
    assert rows[0].startswith("214 of 360 inferences") and rows[0].endswith("66.2 /s   3 s to go")
    assert rows[3].split() == ["wall", "time,", "each", "▄" * 38, "15.0", "ms", "all", "same"]
    assert rows[4].endswith("6,163  all same")
    assert [row.split()[-5:] for row in rows[6:9]] == [
        ["213", "of", "214", "99.5", "%"],
        ["213", "of", "214", "99.5", "%"],
        ["212", "of", "214", "99.1", "%"],
    ]
    assert rows[9] == "newest answer     inference 214: 9 with 3.90  ✗ label 7"


@given(WIDTHS)
def test_inferences_fit_every_width(width: int) -> None:
    view = InferencesView()
    view.show(INFERRING, Answer(inference=213, label=7, top=((9, 3.9), (7, 2.0))))
    assert only_text(drawn(view, width), width)


@example([(0, 0.0), (1, 1.0)], None, 1)
@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e9, 1e9)), min_size=1, max_size=10),
    st.none() | st.integers(0, 9),
    WIDTHS,
)
def test_an_answer_fits_every_width(top: list[tuple[int, float]], label: int | None, width: int) -> None:
    view = AnswerView()
    view.show(Answer(inference=3, label=label, top=tuple(top)))
    rows = drawn(view, width)
    assert len(rows) == len(top) + 1 and only_text(rows, width)


def test_an_answer_is_right_wrong_or_just_an_answer() -> None:
    top = ((6, 5.9), (8, 0.11), (5, -0.05))
    assert verdict(Answer(inference=0, label=6, top=top)) == ("✓ label 6", "ok")
    assert verdict(Answer(inference=0, label=8, top=top)) == ("✗ label 8", "fail")
    assert verdict(Answer(inference=0, top=top)) == ("answer 6", "accent")
    view = AnswerView()
    view.show(Answer(inference=0, label=8, top=top))
    rows = drawn(view, 40)
    assert rows[0] == "inference 1                    ✗ label 8"
    assert rows[1].startswith("6 ") and rows[1].endswith("5.90") and "━" * 20 in rows[1]
    assert rows[2].startswith("8  label") and rows[2].endswith("0.11") and rows[2].count("━") < 2
    assert rows[3].endswith("-0.05") and "━" not in rows[3]


@given(WORDS, st.integers(1, 50), st.integers(1, 5))
def test_wrapped_lines_fit_and_are_never_more(text: str, width: int, most: int) -> None:
    lines = wrapped(text.replace("\u200d", ""), width, most)
    assert len(lines) <= most
    assert only_text([line for line in lines if not set(line) & set(CONTROLS)], max(width, 2))
