"""The Advice panel: what is at stake, trying it with one key, and what came of it - at once and when one comes back."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.improvable import NAME, TRIAL, ended, improvable
from tests.gallery.scene import text
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.advice import AdvicePanel
from tui.run import control, journal, trials
from tui.run.spec import Spec


@pytest.fixture
def base() -> Path:
    return fakes.make(NAME, fakes.spec_of(), improvable())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    """Specs that were started; each becomes a run that has just begun."""
    found: list[Spec] = []

    def start(request: Spec) -> Path:
        found.append(request)
        return fakes.make(TRIAL, request, [*fakes.begun(TRIAL, request), *fakes.compiled()[:3]])

    monkeypatch.setattr(control, "start", start)
    return found


async def opened(pilot: Pilot[None], until: Until) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and pilot.app.screen.state)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_the_share_at_stake_comes_first(size: tuple[int, int], base: Path, until: Until) -> None:
    app = FvpApp(attach=base)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, until)
        await pilot.press("6")
        await until(pilot, lambda: "a tries it" in text(app))
        lines = text(app).splitlines()
        at = next(n for n, line in enumerate(lines) if "9 %  channels-last input" in line)
        assert "transposing 1x3x32x32" in lines[at + 1]
        assert "7 %  3 input channels are padded to 8" in text(app)
        # What no option changes says what to do instead, and where.
        await pilot.press("down")
        await until(pilot, lambda: "e opens the line" in text(app))
        assert "in the model: use them all" in text(app)


async def test_one_key_tries_it_and_the_row_tells_what_came_of_it(
    base: Path, started: list[Spec], until: Until
) -> None:
    app = FvpApp(attach=base)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, until)
        await until(pilot, lambda: app.screen.query_one(AdvicePanel).can_try)
        await pilot.press("a")
        await until(pilot, lambda: "> being tried" in text(app))
        assert started == [fakes.spec_of(channels_last=True)]
        # A second one is not started: the first is shown.
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.directory.name == TRIAL)
        fakes.append(base.parent / TRIAL, ended(3_932))
        await pilot.press("q")
        await until(pilot, lambda: "✓ tried: -9.0 % cycles, MATCH" in text(app))
        assert len(started) == 1
        assert not app.screen.query_one(AdvicePanel).trying


async def test_one_comes_back_to_the_outcome_later(base: Path, started: list[Spec], until: Until) -> None:
    request = fakes.spec_of(channels_last=True)
    trial = fakes.make(TRIAL, request, [*fakes.begun(TRIAL, request), *ended(3_932, "mismatch")])
    trials.keep(base, trial, {"channels_last": True})
    before = (base / journal.FILE).read_bytes()
    app = FvpApp(attach=base)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, until)
        await pilot.press("6")
        # Faster does not hide that the outputs are wrong.
        await until(pilot, lambda: "✗ tried: -9.0 % cycles, MISMATCH" in text(app))
        assert "estimated  a opens its run" in text(app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.directory == trial)
    assert started == [] and (base / journal.FILE).read_bytes() == before


async def test_a_trial_that_cannot_start_says_why(base: Path, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.errors import UserError

    def start(_: Spec) -> Path:
        raise UserError("the run's process cannot be started")

    monkeypatch.setattr(control, "start", start)
    app = FvpApp(attach=base)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await opened(pilot, until)
        await until(pilot, lambda: app.screen.query_one(AdvicePanel).can_try)
        await pilot.press("a")
        await until(pilot, lambda: any("cannot be started" in note.message for note in app._notifications))
        assert trials.read(base) == []


async def test_without_advice_the_key_is_not_there(until: Until, started: list[Spec]) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, until)
        await pilot.press("a", "6")
        await until(pilot, lambda: "No suggestions for this run." in text(app))
        assert started == [] and "Try advice" not in text(app)
