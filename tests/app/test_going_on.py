"""The Run screen of a run that goes on, and of one that did not end well."""

import os
import re
from pathlib import Path

import msgspec
import pytest
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.going_on import failing, lowering, several, yesterday
from tests.screen import seen
from tui.app import editor
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.answer import AnswerView
from tui.app.widgets.inferences import InferencesView
from tui.app.widgets.live import LiveArea
from tui.app.widgets.log_view import LogView
from tui.app.widgets.panel import Panel
from tui.app.widgets.tiles import Tiles
from tui.app.widgets.waterfall import WaterfallView
from tui.reports.inferring import Inferring
from tui.run import events, store
from tui.run.check import Answer
from tui.run.events import Event
from tui.run.figures import Earlier, Inference

SIZES = [(60, 20), (80, 24), (120, 40), (200, 50)]


def screen(app: FvpApp) -> RunScreen:
    assert isinstance(app.screen, RunScreen)
    return app.screen


def shown_panels(app: FvpApp) -> list[int]:
    return [panel.number for panel in app.screen.query(Panel) if panel.display]


@pytest.mark.parametrize("size", SIZES)
async def test_stages_are_shown_against_what_is_usual(size: tuple[int, int], until: Until) -> None:
    yesterday()
    yesterday("20261122-061531-digits-u85-256-dddd", lower=22.0)
    app = FvpApp(attach=lowering())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "median of 2 runs" in seen(app) or (size[0] == 60 and "21.0 s" in seen(app)))
        shown = seen(app)
        assert "1 Stages" in shown and "12 of about 2" in shown
        assert re.search(r"✓ quantize +┊? *█+ .* 1\.1 s +1\.1 s", shown)
        assert re.search(r"● lower .*█+ (passes 34 of 147|34/147).* 9 s +21\.0 s", shown)
        assert re.search(r"○ boot .*┄.* 0\.2 s", shown)
        assert "about 12 s to go" in shown
        # What is to be expected of this run is what the last one had, and says so.
        assert "expected" in shown and "last run Nov 22" in shown.replace("Nov 21", "Nov 22")
        assert shown_panels(app) == [5] and "partition 0: 79 nodes" in shown
        assert "Available after" not in shown


async def test_without_an_earlier_run_it_says_so(until: Until) -> None:
    app = FvpApp(attach=lowering())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "no earlier run of this model" in seen(app))
        shown = seen(app)
        assert "┄" not in shown and "to go" not in shown and "expected" not in shown
        assert re.search(r"● lower .* passes 34 of 147 .*9 s +– ", shown)


async def test_runs_on_other_npus_stand_in_and_are_named(until: Until) -> None:
    request = fakes.spec_of()
    other = msgspec.structs.replace(
        request, target=msgspec.structs.replace(request.target, accelerator="ethos-u85-512")
    )
    what = [*fakes.begun("a", other, alive=False), *fakes.compiled(), *fakes.finished()]
    early = [msgspec.structs.replace(event, t=event.t - 86_400) if event.t else event for event in what]
    fakes.make("20261123-061531-digits-u85-512-dddd", other, early)
    app = FvpApp(attach=lowering())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "one run of this model, also on other NPUs" in seen(app))
        # Its figures are not to be expected on this one.
        assert "expected" not in seen(app)


@pytest.mark.parametrize("size", SIZES)
async def test_a_panel_is_one_key_away_and_the_stages_another(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=lowering())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "● lower" in seen(app) and app.screen.query_one(WaterfallView).region.height)
        await pilot.press("2")
        assert shown_panels(app) == [2] and not app.screen.query_one(LiveArea).display
        await pilot.press("1")
        assert shown_panels(app) == [5] and app.screen.query_one(LiveArea).display
        await pilot.press("5")
        # On a small screen the log gets all of the room, on a large one the focus.
        assert app.screen.query_one(LiveArea).display == (size[0] >= 110)
        assert isinstance(app.focused, LogView)
        await pilot.press("2", "z")
        assert shown_panels(app) == [2] and not app.screen.query_one(LiveArea).display
        await pilot.press("z", "1")
        assert app.screen.query_one(LiveArea).display


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_stages_alone_are_no_empty_panel(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=lowering())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "1 Stages" in seen(app) and "partition 0" in seen(app))
        rows = app.screen.query_one(LogView).size.height
        await pilot.press("z")
        await until(pilot, lambda: not app.screen.query_one(Tiles).display)
        # What gave way is the log's.
        assert "1 Stages" in seen(app) and "passes 34 of 147" in seen(app)
        assert shown_panels(app) == [5] and app.screen.query_one(LogView).size.height > rows
        await pilot.press("z")
        await until(pilot, lambda: app.screen.query_one(Tiles).display)
        # The panels that have something are there alone.
        await pilot.press("5", "z")
        await until(pilot, lambda: "1 Stages" not in seen(app))


async def test_the_panels_come_back_when_the_run_is_over(until: Until) -> None:
    directory = lowering()
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "● lower" in seen(app))
        rest = [*fakes.compiled()[7:], *fakes.booted()]
        fakes.append(directory, rest)
        # One inference alone is shown by its operators, as they run.
        await until(pilot, lambda: "inference 1 running" in seen(app) and not app.screen.query_one(LiveArea).display)
        fakes.append(directory, [*fakes.inferred(), *fakes.checked(), *fakes.finished()])
        await until(pilot, lambda: "✓ OK" in seen(app))
        assert {1, 2, 4, 5} <= set(shown_panels(app))


async def _places(directory: Path, size: tuple[int, int], rest: list[Event], until: Until) -> dict[str, Region]:
    """Where the panels of a run stand that is over once the `rest` has come."""
    app = FvpApp(attach=directory)
    async with app.run_test(size=size) as pilot:
        if rest:
            await until(pilot, lambda: screen(app).query(LiveArea) and screen(app).query_one(LiveArea).display)
            fakes.append(directory, rest)
        await until(pilot, lambda: "✓ OK" in seen(app) and 1 in shown_panels(app))
        await pilot.pause()
        return {str(panel.id): panel.region for panel in screen(app).panels if panel.display}


@pytest.mark.parametrize("size", [(120, 40), (200, 50)])
async def test_a_run_that_ends_lies_as_when_it_is_opened_again(size: tuple[int, int], until: Until) -> None:
    directory = lowering()
    rest = [*fakes.compiled()[8:], *fakes.booted(), *fakes.inferred(), *fakes.checked(), *fakes.finished()]
    ended = await _places(directory, size, rest, until)
    assert ended == await _places(directory, size, [], until)
    assert max(region.bottom for region in ended.values()) == size[1] - 1


@pytest.mark.parametrize("size", SIZES)
async def test_several_inferences_are_counted_timed_and_judged(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=several())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "214 of 360 inferences" in seen(app))
        shown = seen(app)
        for word in ("1 Inferences", "83.3 /s", "2 s to go", "wall time", "15.0 ms", "6,163", "all same", "213 of 214"):
            assert word in shown, word
        assert "▁" in shown and "▄▄▄" in shown and "█" in shown
        if size[0] >= 110:
            assert "✓ label 6" in seen(app) and "5.91" in shown
            assert shown_panels(app) == [2, 5] and app.screen.query_one(AnswerView).display
        else:
            assert "inference 214: 6 with 5.91  ✓ label 6" in shown


async def test_a_single_inference_has_a_bar_against_earlier_runs(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    name, request = "20261124-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()]
    began = next(event.t for event in what if isinstance(event, events.InferenceStarted))
    what.append(events.EarlierKnown(t=began, earlier=Earlier(runs=3, inference_s=60.0)))
    now = [began + 30]
    monkeypatch.setattr(RunScreen, "clock", staticmethod(lambda: now[0]))
    app = FvpApp(attach=fakes.make(name, request, what))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "━━━━━━━━━━━━  > inference 1 running" in seen(app))
        assert "30 s (median of 3 earlier" in seen(app)

        def done() -> int:
            line = app.screen.query_one("ExecutionPanel .running", Static).content
            return line.spans[0].end if isinstance(line, Content) else 0

        assert done() == 6
        now[0] = began + 90
        await until(pilot, lambda: done() == 12)


async def test_inferences_are_drawn_twice_a_second_at_most(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    show = InferencesView.show

    def counted(view: InferencesView, found: Inferring, answer: Answer | None = None) -> None:
        drawn.append(found.done)
        show(view, found, answer)

    monkeypatch.setattr(InferencesView, "show", counted)
    now = [100.0]
    monkeypatch.setattr("tui.app.widgets.live.monotonic", lambda: now[0])
    directory = several()
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "214 of 360 inferences" in seen(app))
        live = screen(app).query_one(LiveArea)
        state = screen(app).state
        assert state is not None
        drawn.clear()
        for more in range(1, 30):
            now[0] += 0.05
            extra = Inference(index=213 + more, npu_cycles=6_163, wall_s=0.015)
            state = msgspec.structs.replace(state, inferences=(*state.inferences, extra))
            live.take(state, None, fakes.T0 + 12)
        assert len(drawn) <= 3 and drawn == sorted(drawn)
        await until(pilot, lambda: drawn[-1] == 243)  # the last one is not left out


@pytest.mark.parametrize("size", SIZES)
async def test_a_failed_run_says_why_and_stands_at_its_first_error(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=failing())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "ValueError: no such luck" in seen(app))
        shown = seen(app)
        assert "✗ FAILED" in shown and "─ Why" in shown and "1 error" in shown
        assert re.search(r"^.? ?aten\.atan2 has a float input that was not quantized +.?$", shown, re.MULTILINE)
        assert re.search(r"where   split\.py:31", shown) and re.search(r"stage   lower, 4 of 9, after 9\.50 s", shown)
        assert "try     quantize the whole model" in shown
        for key in ("e opens the line", "r runs it again", "R edits", "5 the log"):
            assert key in shown
        assert "Not available" not in shown and "–" not in shown.partition("5 Log")[0].partition("Why")[2]
        assert shown_panels(app) == [5] and not app.screen.query_one(Tiles).display
        await pilot.press("home")
        await pilot.press("2")
        assert "Not available: the run failed before lowering was complete." in " ".join(seen(app).split())
        await pilot.press("1")
        assert shown_panels(app) == [5]


async def test_the_line_of_the_model_is_quoted_and_opened(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "net.py"
    source.write_text("def forward(y, x):\n    return torch.atan2(y, x)\n")
    os.utime(source, (fakes.T0 - 100, fakes.T0 - 100))
    opened: list[str] = []
    monkeypatch.setattr(editor, "show", opened.append)
    app = FvpApp(attach=fakes.failed(line=f"{source}:2"))
    # A folder for tests may have a long name: the line stands behind it.
    async with app.run_test(size=(200, 40)) as pilot:
        await until(pilot, lambda: "return torch.atan2(y, x)" in seen(app))
        await pilot.press("e")
        await until(pilot, lambda: opened or "cannot open an editor" in str([t.message for t in app._notifications]))
        assert opened in ([], [f"{source}:2"])


async def test_the_network_of_an_earlier_run_shows_where_it_failed(until: Until) -> None:
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of("sample:split")
    what = [*fakes.begun(name, request, alive=False), *fakes.compiled(), *fakes.finished()]
    early = [msgspec.structs.replace(event, t=event.t - 86_400) if event.t else event for event in what]
    fakes.make(name, request, early)
    app = FvpApp(attach=fakes.failed(line="digits.py:36"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "of the last run that got further" in seen(app))
        assert "features.2" in seen(app)
        accent = app.theme_variables["accent"].lower()
        segments = [s for strip in app.screen._compositor.render_strips() for s in strip if "features.2" in s.text]
        assert any(s.style and s.style.bgcolor and s.style.bgcolor.get_truecolor().hex == accent for s in segments)


@pytest.mark.parametrize("size", SIZES)
async def test_a_mismatch_names_the_link_and_keeps_the_figures(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=fakes.mismatching())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "Lowering changed the result, 38.8 dB -> 7.9 dB" in seen(app))
        shown = seen(app)
        assert "where   net.py:14   first at features.1" in shown and "try     no known fault" in shown
        assert "e opens the line" not in shown  # the table in focus has that key for its own rows
        assert "4,333" in shown or "4.33" in shown
        assert len(shown_panels(app)) >= 1 and app.screen.query_one(Tiles).display


async def test_a_stopped_and_a_lost_run_say_how_far_they_came(until: Until) -> None:
    directory = lowering("20261124-071531-digits-u85-256-dddd")
    fakes.append(directory, fakes.finished("stopped", "stopped by the user", exit_status=130))
    app = FvpApp(attach=directory)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "stopped by the user" in seen(app))
        assert "stage   lower, 4 of 9, passes 34 of 147, after 9.50 s" in seen(app)
        assert "r runs it again" in seen(app) and "e opens" not in seen(app)
    lost = fakes.gone()
    (lost / store.PROCESS_LOG).write_text("cannot write\n")
    app = FvpApp(attach=lost)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "LOST" in seen(app) and "cannot write" in seen(app))
        assert "try     see runner.log in" in seen(app)
