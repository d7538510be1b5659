"""A figure has one form, whichever view shows it."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.reports import format as figures
from tui.reports import html, text
from tui.run.check import Check, LimitResult, OutputCheck
from tui.run.figures import Estimate, Operator
from tui.run.state import State


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.number(92_194), "92,194"),
        (figures.ms(0.092194), "92.2 µs"),
        (figures.ms(12.345), "12.3 ms"),
        (figures.ms(0.9996), "1.00 ms"),
        (figures.ms(0), "0 s"),
        (figures.duration(0.614), "614 ms"),
        (figures.duration(2.314), "2.31 s"),
        (figures.duration(123), "2 min 03 s"),
        (figures.frequency(5e8), "500 MHz"),
        (figures.stage_seconds(0.04), "<0.1"),
        (figures.kib(1536 * 1024), "1,536.0 KiB"),
        (figures.kib(512), "512 B"),
        (figures.scaled(12_508_800), "12.5 M"),
        (figures.scaled(450_560), "451 k"),
        (figures.scaled(999_600), "1.00 M"),
        (figures.scaled(640), "640"),
        (figures.percentage(0.734), "73%"),
        (figures.accuracy(0.9134), "91.3%"),
        (figures.change(-0.04), "-0.04 %"),
        (figures.change(1.25), "+1.2 %"),
        (figures.change(0.002), "+0.002 %"),
        (figures.change(0), "="),
        (figures.difference(0.0039215686), "0.003922"),
        (figures.decibels(45.36), "45.4 dB"),
    ],
)
def test_one_form_for_each_kind_of_figure(text: str, expected: str) -> None:
    assert text == expected


SECONDS = dict(figures.TIME_UNITS)
FORMS: tuple[Callable[[float], str], ...] = (
    figures.time,
    figures.ms,
    figures.duration,
    figures.stage_seconds,
    figures.kib_words,
    figures.decibels,
    figures.percentage,
    figures.accuracy,
    figures.change,
    figures.difference,
    figures.three_digits,
    lambda value: figures.number(value, 2),
)


def _in_seconds(text: str) -> float:
    value, unit = text.split(" ")
    return float(value.replace(",", "")) * SECONDS[unit]


times = st.floats(1e-12, 1e5)


@given(times)
def test_a_time_has_three_significant_digits_and_the_unit_that_fits(seconds: float) -> None:
    shown, unit = figures.time(seconds).split(" ")
    assert _in_seconds(f"{shown} {unit}") == pytest.approx(seconds, rel=0.00501)
    digits = re.sub(r"[,.]", "", shown).lstrip("0")
    assert len(digits) == 3 or (unit == "s" and len(digits) > 3)
    assert unit in ("s", "ns") or 1 <= float(shown) < 1000


@given(times, times)
def test_a_longer_time_is_never_shown_as_shorter(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    assert _in_seconds(figures.time(shorter)) <= _in_seconds(figures.time(longer)) * (1 + 1e-12)


@pytest.mark.parametrize("form", FORMS)
@given(value=st.floats(1e-9, 1e6))
def test_only_0_is_shown_as_0(form: Callable[[float], str], value: float) -> None:
    for signed in (value, -value) if form in (figures.change, figures.decibels, figures.difference) else (value,):
        shown = form(signed)
        assert re.search("[1-9]", shown), shown


@given(st.lists(st.one_of(st.none(), st.just(0.0), times), max_size=8))
def test_a_column_has_one_unit_where_its_times_are_near(column: list[float | None]) -> None:
    shown = figures.times(column)
    assert [text == figures.UNKNOWN for text in shown] == [time is None for time in column]
    known = [time for time in column if time]
    if known and max(known) < 1000 * min(known):
        assert len({text.split(" ")[1] for text in shown if text != figures.UNKNOWN}) == 1
    for time, written in zip(column, shown, strict=True):
        assert time is None or _in_seconds(written) == pytest.approx(time, rel=0.00501)


def test_a_figure_by_its_field_has_the_digits_of_its_unit() -> None:
    assert figures.field("inference_ms", 0.092194) == "0.0922"
    assert figures.field("sram_kib", 96.25) == figures.kib_words(96.25).removesuffix(" KiB")
    assert figures.field("npu_cycles", 92_194) == figures.number(92_194)
    assert figures.field("delegated_percent", 97.561) == "97.56"


def test_what_is_not_known_is_the_same_dash_everywhere() -> None:
    forms = (
        figures.number,
        figures.ms,
        figures.duration,
        figures.kib_words,
        figures.decibels,
        figures.percentage,
        figures.accuracy,
        figures.change,
        figures.difference,
        figures.cosine,
    )
    assert {form(None) for form in forms} == {figures.field("sram_kib", None)} == {figures.UNKNOWN}


def test_no_report_chooses_digits_of_its_own() -> None:
    own = re.compile(r"\{[^{}]*:[,+]?\.\d[efg%]\}")
    sources = [path for path in Path(figures.__file__).parent.glob("*.py") if path.name != "format.py"]
    assert [path.name for path in sources if own.search(path.read_text(encoding="utf-8"))] == []


def test_text_and_page_show_a_figure_alike() -> None:
    state = State(
        estimate=Estimate(source="vela", total_cycles=92_194, inference_ms=0.0921941, sram_kib=96.2568),
        operators=(Operator(name="conv", op="Conv2D", total_cycles=92_194, utilization=0.7342),),
        check=Check(
            status="match",
            outputs=(OutputCheck(shape=(1,), dtype="float32", max_abs_error=0.0039215686, sqnr_db=45.3618),),
        ),
        limits=(LimitResult(name="inference_ms", limit=0.1, value=0.0921941, ok=True),),
    )
    page = re.sub(r"<[^>]*>", "", html.page(state, html.LogPart()))
    shown = (text.summary(state), page)
    for figure in ("92,194", "92.2 µs", "96.3 KiB", "73%", "0.003922", "45.4 dB", "0.100"):
        assert all(figure in view for view in shown), figure


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "– 92.2 µs"), ("latin-1", "- 92.2 µs"), ("cp437", "- 92.2 µs")]
)
def test_a_locale_without_the_dash_gets_a_hyphen(encoding: str, shown: str) -> None:
    code = "import tui.cli.main as m; m._use_characters_of_locale(); print('– 92.2 µs')"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout.decode(encoding).strip() == shown
