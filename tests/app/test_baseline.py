"""A run's latency against that of another: the run before, or the baseline, which the user marks."""

from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from tests.app import fakes
from tests.app.conftest import Until
from tui.analysis.changes import MOST, measured_against
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.faces import Changed, with_change
from tui.app.widgets.tile import Tile, TileFace
from tui.run import baselines, store
from tui.run.baselines import Family

FAMILY = Family("sample:digits", "ethos-u85")


def against(directory: Path) -> tuple[str, bool, float] | None:
    found = measured_against(directory, store.load(directory))
    return None if found is None else (found[0].run.name, found[0].baseline, round(found[1], 3))


def test_a_run_is_looked_up_by_itself(home: Path) -> None:
    runs = [fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", 4_000 + day) for day in (20, 21, 22)]
    names = [run.name for run in runs]
    assert against(runs[0]) is None and against(runs[2]) == (names[1], False, 0.025)
    baselines.mark(FAMILY, names[0])
    assert against(runs[0]) is None and against(runs[2]) == (names[0], True, 0.05)
    store.remove(runs[0])
    assert against(runs[2]) == (names[1], False, 0.025)
    failed = fakes.failed(model="sample:digits")
    assert against(failed) is None


def test_a_baseline_of_long_ago_counts(home: Path) -> None:
    old = fakes.faster("20261001-010101-digits-u85-256-0001", 4_000)
    runs = [fakes.faster(f"20261101-0101{n:02}-digits-u85-256-{n:04x}", 4_400) for n in range(2, 2 + MOST // 2)]
    runs += [fakes.faster(f"20261102-0101{n:02}-digits-u85-256-1{n:03x}", 4_400) for n in range(MOST // 2 + 2)]
    baselines.mark(FAMILY, old.name)
    assert against(runs[-1]) == (old.name, True, 10.0)


def test_the_latency_says_how_it_has_changed() -> None:
    face = TileFace("LATENCY", "83.7", "µs", "estimated", words="11,947/s at 1 GHz")
    changed = with_change(face, Changed(-9.28, baseline=True, when="10:41"))
    assert (changed.words, changed.brief) == ("-9.3 % vs baseline 10:41", ("-9.3 % vs baseline", "-9.3 % vs base"))
    changed = with_change(face, Changed(0.0, baseline=False, when="yesterday 18:20"))
    assert (changed.words, changed.brief) == ("= vs yesterday 18:20", ("= vs run before", "= vs before"))


@pytest.mark.parametrize(
    ("width", "words"), [(40, "-9.3 % vs baseline 10:41"), (22, "-9.3 % vs baseline"), (18, "-9.3 % vs base")]
)
async def test_a_tile_takes_the_words_that_it_has_room_for(width: int, words: str) -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Tile()

    app = Alone()
    async with app.run_test(size=(width, 5)) as pilot:
        face = TileFace("LATENCY", "83.7", "µs")
        tile = app.query_one(Tile)
        tile.show(with_change(face, Changed(-9.28, baseline=True, when="10:41")))
        await pilot.pause()
        drawn = [tile.render_line(y).text.strip(" ▎") for y in range(tile.size.height)]
        assert drawn[-1] == words


async def test_the_run_screen_measures_and_marks(until: Until) -> None:
    first, second = (
        fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", cycles) for day, cycles in ((22, 4_000), (23, 4_400))
    )
    app = FvpApp(attach=second)
    async with app.run_test(size=(200, 50), notifications=True) as pilot:

        def shown() -> list[TileFace]:
            return [tile.face for tile in app.screen.query(Tile)]

        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await until(pilot, lambda: shown()[0].words == "+10.0 % vs yesterday 01:01")
        plain = [face.words for face in shown()[1:]]
        await pilot.press("b")
        await until(pilot, lambda: "yesterday" not in shown()[0].words)
        assert baselines.read() == {FAMILY: second.name}
        assert "are measured against the baseline of" in next(n.message for n in app._notifications)
        assert [face.words for face in shown()[1:]] == plain
        await pilot.press("h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and not app.screen.reading)
        await pilot.press("end", "b", "home", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert baselines.read() == {FAMILY: first.name}
        await until(pilot, lambda: shown()[0].words == "+10.0 % vs baseline yesterday 01:01")
        await pilot.press("b", "b")
        await until(pilot, lambda: shown()[0].words == "+10.0 % vs yesterday 01:01")
        assert baselines.read() == {}
