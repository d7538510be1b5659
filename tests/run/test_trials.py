"""Trials of advice: kept beside the run that gave it, and forgotten with the run that tried it."""

import shutil
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from tests.app import fakes
from tui.analysis import advice, trials
from tui.analysis.advice import Advice, Advised
from tui.errors import UserError
from tui.reports.advice import at_stake, effect, summary, title
from tui.run import control, events, store
from tui.run import trials as kept
from tui.run.figures import Inference, PlatformInfo
from tui.run.spec import Spec
from tui.run.state import State


@pytest.fixture
def base(home: Path) -> Path:
    return fakes.whole()


LAYOUT = {"channels_last": True}
MODE = {"target.memory_mode": "Dedicated_Sram"}


def test_the_newest_trial_of_a_change_is_the_one(base: Path) -> None:
    first, second, other = (fakes.faster(f"2026122{n}-010101-digits-u85-256-0001", 3_000 + n) for n in range(3))
    for run, change in ((first, LAYOUT), (second, LAYOUT), (other, MODE)):
        kept.keep(base, run, change)
    assert kept.read(base) == [(other, MODE), (second, LAYOUT), (first, LAYOUT)]
    advised = Advised(
        run=base.name,
        total_cycles=4_321,
        sram_kib=6.5,
        advice=(
            Advice(kind="input_layout", what="w", evidence="e", cycles=389, change=LAYOUT),
            Advice(kind="int16", what="w", evidence="e", change={"quantize": "int8"}),
            Advice(kind="partitions", what="w", evidence="e"),
        ),
    )
    found = trials.with_outcomes(advised, store.load(base), base).advice
    assert [one.tried.run if one.tried else None for one in found] == [second.name, None, None]
    assert (at_stake(found[0], advised), title(found[0])) == ("9 %", "channels-last input")
    assert effect(found[0], advised) == "tried: -30.5 % cycles"
    assert (at_stake(found[1], advised), effect(found[1], advised)) == ("–", "")
    shutil.rmtree(second)
    assert kept.read(base) == [(other, MODE), (first, LAYOUT)]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"run": "../runs", "change": {}}',
        b'{"run": "..", "change": {}}',
        b'{"run": "", "change": {}}',
        b'{"run": "a\\u0000b", "change": {}}',
        b'{"run": "' + b"x" * 5000 + b'", "change": {}}',
        b'{"run": 3, "change": {}}',
    ],
)
def test_what_is_damaged_is_no_trial(line: bytes, base: Path) -> None:
    (base / kept.FILE).write_bytes(line + b"\n")
    good = fakes.faster("20261220-010101-digits-u85-256-0001", 3_000)
    kept.keep(base, good, LAYOUT)
    assert kept.read(base) == [(good, LAYOUT)]


def test_a_trial_that_failed_or_lost_the_match_says_so(base: Path) -> None:
    advised = Advised(run=base.name, total_cycles=4_321, sram_kib=6.5)
    piece = Advice(kind="input_layout", what="w", evidence="e", change=LAYOUT)
    before = store.load(base)

    def tried(run: Path) -> str:
        return effect(msgspec.structs.replace(piece, tried=trials.outcome(before, run)), advised)

    assert tried(fakes.failed()) == "tried: FAILED lower: aten.atan2 has a float input that was not quantized"
    assert tried(fakes.mismatching()) == "tried: = cycles, MISMATCH"
    name = "20261123-061531-digits-u85-256-dddd"
    assert tried(fakes.make(name, Spec(""), fakes.begun(name, Spec("")))) == "being tried"


def measured(name: str, cycles: int, kind: Literal["fvp", "simulator"] = "fvp", *, fast: bool = False) -> Path:
    """A run whose inferences took so many cycles by a platform's counters."""
    request = fakes.spec_of(fast=fast)
    what = [
        *fakes.begun(name, request),
        *fakes.compiled(),
        events.PlatformStarted(t=fakes.T0, platform=PlatformInfo(kind=kind, name="a platform"), pid=1),
    ]
    for index, extra in enumerate((0, 0, 300)):
        one = Inference(
            index=index, npu_cycles=cycles + extra, source="measured" if kind == "fvp" else "estimated", wall_s=0.1
        )
        what.append(events.InferenceFinished(t=fakes.T0, inference=one))
    return fakes.make(name, request, [*what, *fakes.finished()])


def test_the_effect_is_told_by_measurements_where_both_runs_have_them(home: Path) -> None:
    before = store.load(measured("20261124-010101-digits-u85-256-0001", 5_000))
    piece = Advice(kind="input_layout", what="w", evidence="e", change=LAYOUT)

    def tried(run: Path, base: State = before) -> tuple[str, str]:
        one = msgspec.structs.replace(piece, tried=trials.outcome(base, run))
        advised = Advised(run="r", total_cycles=4_321, sram_kib=6.5, advice=(one,))
        return effect(one, advised), summary(advised).splitlines()[-1]

    line, words = tried(measured("20261124-020101-digits-u85-256-0002", 4_000))
    assert line == "tried: -20.0 % cycles measured"
    assert "5,000 -> 4,000 NPU cycles measured, -20.0 %; estimated 4,321 -> 4,321 cycles" in words
    # One kind says nothing about another.
    other = measured("20261124-030101-digits-u85-256-0003", 4_000, "simulator")
    fast = measured("20261124-040101-digits-u85-256-0004", 4_000, fast=True)
    for run, base in ((other, before), (fast, before), (other, store.load(other))):
        line, words = tried(run, base)
        assert line == "tried: = cycles" and "measured" not in words


def test_a_trial_runs_the_changed_spec_and_is_kept(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Spec] = []

    def start(request: Spec) -> Path:
        asked.append(request)
        return fakes.faster("20261220-010101-digits-u85-256-0001", 3_000)

    monkeypatch.setattr(control, "start", start)
    piece = Advice(kind="memory_mode", what="w", evidence="e", change=MODE)
    before = store.load(base)
    run = trials.start(base, before, piece)
    assert before.spec is not None and asked == [advice.changed(before.spec, MODE)]
    assert kept.read(base) == [(run, MODE)]
    with pytest.raises(UserError, match="yours to do"):
        trials.start(base, before, Advice(kind="partitions", what="w", evidence="e"))
