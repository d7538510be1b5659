"""The rail of stages: each told by a glyph, with its seconds, and the one at work filled against what is usual."""

import re

import msgspec
import pytest
from textual.app import App, ComposeResult

from tests.app import fakes
from tests.app.conftest import shown
from tui.app.widgets.rail import NEARLY, Rail, stops
from tui.run import events, state
from tui.run.events import Event
from tui.run.state import State


def of(*what: Event, request: object = None) -> State:
    begun = fakes.begun("20261123-021531-digits-u85-256-7f3a", request or fakes.spec_of())  # type: ignore[arg-type]
    return state.fold_all([*begun, *what])


WHOLE = [*fakes.compiled(), *fakes.booted(), *fakes.inferred(), *fakes.checked(), *fakes.finished()]
LOWERING = of(*fakes.compiled()[:6], events.StageStarted(t=fakes.T0 + 2, stage="lower"))
FAILED = of(*fakes.compiled()[:6], events.StageFinished(t=fakes.T0, stage="lower", status="failed", seconds=2.6))


class Alone(App[None]):
    """A rail and nothing else."""

    def __init__(self, known: State) -> None:
        super().__init__()
        self._known = known

    def compose(self) -> ComposeResult:
        rail = Rail(lambda: fakes.T0 + 12.0)
        rail.styles.height = "auto"
        yield rail

    def on_mount(self) -> None:
        self.query_one(Rail).take(self._known, {"lower": 20.0})


@pytest.mark.parametrize(
    ("known", "size", "lines"),
    [
        (of(*WHOLE), (120, 40), [r"(●━+){8}● *", r"load 0\.4 .* quantize 1\.1 .* check 0\.1 *"]),
        (of(*WHOLE), (80, 24), ["✓load ✓export ✓quantize ✓lower ✓vela ✓emit 0.2 ✓boot 0.2 ✓infer 0.1 ✓check 0.1 *"]),
        (of(*WHOLE), (60, 20), ["━{22}  all stages done *"]),
        (LOWERING, (120, 40), [r"(●━+){3}◉━+─+(○─+){4}○ *", r"load 0\.4 .* lower 10 .* check *"]),
        (LOWERING, (80, 24), ["✓load .* ●lower 10 ○vela ○emit ○boot ○infer ○check *"]),
        (LOWERING, (60, 20), ["━+◉─+  lower, 4 of 9, 10 s *"]),
        (FAILED, (120, 40), [r"(●━+){3}✗─+(○─+){4}○ *", r"load 0\.4 .* lower 2\.6 *vela .*"]),
        (FAILED, (80, 24), ["✓load .* ✗lower 2.6 FAILED ○vela .*"]),
        (FAILED, (60, 20), ["━+✗─+  failed in lower, 4 of 9 *"]),
    ],
)
async def test_a_stage_is_told_by_its_glyph_at_every_size(
    known: State, size: tuple[int, int], lines: list[str]
) -> None:
    app = Alone(known)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        drawn = shown(app.query_one(Rail)).split("\n")
        assert len(drawn) == len(lines)
        for line, pattern in zip(drawn, lines, strict=True):
            assert re.fullmatch(pattern, line), line


async def test_without_unicode_no_mark_is_a_letter_of_the_name_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    app = Alone(FAILED)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert shown(app.query_one(Rail)).startswith("+load +export +quantize 1.1 !lower 2.6 FAILED .vela .emit")


@pytest.mark.parametrize(("usual", "share"), [({}, 0.0), ({"lower": 20.0}, 0.5), ({"lower": 5.0}, NEARLY)])
def test_the_stage_at_work_is_filled_only_against_what_is_usual(usual: dict[str, float], share: float) -> None:
    (at_work,) = [stop for stop in stops(LOWERING, usual, fakes.T0 + 12.0) if stop.status == "running"]
    assert (at_work.name, at_work.words, at_work.share) == ("lower", "10", share)


def test_a_compilation_has_no_stages_beyond_its_program() -> None:
    compiled = of(*fakes.compiled(), request=fakes.spec_of(until="emit"))
    assert [stop.name for stop in stops(compiled, {}, 0.0)] == ["load", "export", "quantize", "lower", "vela", "emit"]


def test_a_stage_that_never_ended_is_cut_off_and_a_mismatch_is_a_failed_check() -> None:
    lost = msgspec.structs.replace(LOWERING, run=msgspec.structs.replace(LOWERING.run, status="lost"))
    assert [(s.name, s.words) for s in stops(lost, {}, 0.0) if s.status == "stopped"] == [("lower", "cut off")]
    wrong = of(*fakes.compiled(), *fakes.booted(), *fakes.inferred(), *fakes.checked("mismatch"), *fakes.finished())
    assert [(s.name, s.words) for s in stops(wrong, {}, 0.0) if s.status == "failed"] == [("check", "MISMATCH")]
