"""The verdict of a comparison: outputs that are not the model's outweigh any gain."""

import msgspec
import pytest

from tests.app.fakes import HOSTILE
from tui.analysis.compare import CHECK, Compared, ComparedModule, Comparison, Difference
from tui.reports.compare import changed_first, summary, verdict
from tui.toolchain.target import Target, on_board_of


def compared(name: str, a: float | None, b: float | None, *, regression: bool = False) -> Compared:
    percent = 100 * (b - a) / a if a and b is not None else None
    return Compared(name=name, a=a, b=b, change_pct=percent, regression=regression)


def comparison(*figures: Compared, modules: tuple[ComparedModule, ...] = ()) -> Comparison:
    return Comparison(a="a", b="b", comparable=True, figures=figures, operators=modules)


FASTER, SLOWER = compared("total_cycles", 100, 80), compared("total_cycles", 100, 120, regression=True)
LOST, KEPT = compared(CHECK, 1, 0, regression=True), compared(CHECK, 1, 1)


@pytest.mark.parametrize(
    ("figures", "word", "tone", "sentence"),
    [
        ((FASTER, LOST), "WRONG", "bad", "faster does not hide a mismatch: B's outputs are not the model's"),
        ((SLOWER, LOST), "WRONG", "bad", "B's outputs are not the model's"),
        ((FASTER, compared(CHECK, 0, 0)), "WRONG", "bad", "faster does not hide a mismatch: neither run's outputs"),
        ((SLOWER, KEPT), "1 WORSE", "bad", "1 figure worse than the profile allows"),
        ((FASTER, KEPT), "NOT WORSE", "good", "nothing is worse than the profile allows"),
        ((FASTER, compared(CHECK, 0, 1)), "NOT WORSE", "good", "B's outputs are the model's, A's were not; nothing is"),
        ((FASTER, compared(CHECK, 1, None)), "NOT WORSE", "good", "profile allows; B's outputs were not checked"),
    ],
)
def test_a_verdict(figures: tuple[Compared, ...], word: str, tone: str, sentence: str) -> None:
    found = verdict(comparison(*figures))
    assert (found.word, found.tone) == (word, tone)
    assert sentence in found.sentence and (found.sentence.startswith(sentence) or tone == "good")


def test_what_cannot_be_compared_has_its_reasons_for_a_verdict() -> None:
    found = verdict(Comparison(a="a", b="b", comparable=False, reasons=("b is failed", "a has no estimate")))
    assert (found.word, found.tone, found.sentence) == ("NOT COMPARED", "unknown", "b is failed; a has no estimate")


def test_what_changed_comes_first_and_a_lost_match_before_all() -> None:
    same, less = compared("macs", 5, 5), compared("sram_kib", 9, 8)
    assert changed_first((same, less, SLOWER, KEPT, LOST)) == [LOST, SLOWER, less, same, KEPT]


def test_the_text_begins_with_the_verdict_and_is_clean() -> None:
    module = ComparedModule(name=HOSTILE, a=100, b=300, change_pct=200, regression=True, line_b=HOSTILE)
    found = with_differences(comparison(FASTER, LOST, modules=(module,)))
    lines = summary(found).split("\n")
    assert lines[0] == "WRONG  faster does not hide a mismatch: B's outputs are not the model's"
    assert lines[2:4] == ["A  a", "B  b"]
    assert all(line.isprintable() for line in lines)
    rows = [line for line in lines if "match" in line and "MISMATCH" in line]
    assert len(rows) == 1 and lines.index(rows[0]) < next(at for at, line in enumerate(lines) if "total_cycles" in line)


def with_differences(found: Comparison) -> Comparison:
    differs = (Difference(name="spec.channels_last", a="False", b="True"), Difference(name="spec.model", a=HOSTILE))
    return Comparison(
        a=found.a, b=found.b, comparable=True, differs=differs, figures=found.figures, operators=found.operators
    )


def test_runs_on_npus_of_two_families_say_so_first_with_their_times() -> None:
    """6,000 cycles at 1 GHz are less than 5,000 at 500 MHz."""
    targets = [on_board_of(name) for name in ("ethos-u85-256", "ethos-u55-128", "ethos-u85-128", "cortex-m55")]

    def of(a: Target, b: Target) -> str:
        differs = (
            Difference(name="spec.target.accelerator", a=a.accelerator, b=b.accelerator),
            Difference(name="spec.target.system_config", a=a.system_config, b=b.system_config),
        )
        found = comparison(compared("total_cycles", 6000, 5000))
        return summary(msgspec.structs.replace(found, differs=differs)).split("\n")[1]

    u85, u55 = "Ethos-U85-256 (Corstone-320), 6.00 µs at 1 GHz", "Ethos-U55-128 (Corstone-300), 10.0 µs at 500 MHz"
    assert of(targets[0], targets[1]) == f"Different NPUs: {u85} and {u55}"
    assert of(targets[0], targets[2]) == of(targets[0], targets[3]) == ""
