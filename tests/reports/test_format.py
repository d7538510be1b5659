"""A figure has one form, whichever view shows it."""

import re
from pathlib import Path

import pytest

from tui.reports import format as figures
from tui.reports import html, text
from tui.run.check import Check, LimitResult, OutputCheck
from tui.run.figures import Estimate, Operator
from tui.run.state import State


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.number(92_194), "92,194"),
        (figures.ms(0.092194), "0.092 ms"),
        (figures.ms(12.345), "12.3 ms"),
        (figures.duration(0.614), "0.61 s"),
        (figures.duration(123), "2 min 03 s"),
        (figures.frequency(5e8), "500 MHz"),
        (figures.kib(1536 * 1024), "1,536.0 KiB"),
        (figures.percentage(0.734), "73%"),
        (figures.accuracy(0.9134), "91.3%"),
        (figures.change(-0.04), "-0.0 %"),
        (figures.difference(0.0039215686), "0.003922"),
        (figures.decibels(45.36), "45.4 dB"),
    ],
)
def test_one_form_for_each_kind_of_figure(text: str, expected: str) -> None:
    assert text == expected


def test_a_figure_by_its_field_has_the_digits_of_its_unit() -> None:
    assert figures.field("inference_ms", 0.092194) == figures.ms(0.092194).removesuffix(" ms")
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
    shown = (text.summary(state), html.page(state, html.LogPart()))
    for figure in ("92,194", "0.092 ms", "96.3 KiB", "73%", "0.003922", "45.4 dB", "0.100"):
        assert all(figure in view for view in shown), figure
