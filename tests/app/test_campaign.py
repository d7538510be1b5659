"""The Campaign screen: what came of the cells, those that need a look first, and the runs behind them."""

import os
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.app import campaigns, fakes
from tests.app.conftest import Until
from tests.screen import screen_lines
from tui import processes
from tui.app.screens.campaign import CampaignScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.campaign_table import CampaignTable
from tui.campaign import store
from tui.run.spec import Spec


def lines(app: FvpApp) -> list[str]:
    return [line.rstrip() for line in screen_lines(app)]


def keys(app: FvpApp) -> list[str]:
    return [row.key for row in app.screen.query_one(CampaignTable).rows]


def head(app: FvpApp) -> str:
    return str(app.screen.query_one("#progress", Static).content)


def shown(app: FvpApp) -> bool:
    return isinstance(app.screen, CampaignScreen) and bool(app.screen.query_one(CampaignTable).rows)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 20)])
async def test_the_matrix_has_every_cell_with_figure_and_sign(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=campaigns.make(campaigns.cells(), campaigns.mixed()))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: shown(app))
        text = lines(app)
        assert "Campaign" in text[0] and "18 of 24" in head(app)
        assert "1 failed" in head(app) and "1 limit" in head(app) and "1 running" in head(app)
        rows = {(line.split()[-0] if line else ""): line for line in text}
        assert len(keys(app)) == 6 and rows
        assert all(len(line) <= size[0] for line in text)
        # How far it is is told whole, at every size.
        assert head(app) in text[0]
        hidden = app.screen.query_one(CampaignTable).hidden
        # What does not fit is said.
        assert bool(hidden) == any("on a wider screen" in line for line in text)
        if not hidden:
            first = next(line for line in text if "resnet8" in line and "int8" in line)
            assert first.count("✓") == 4


@pytest.mark.parametrize(("size", "name"), [((80, 24), "fvp-tui"), ((120, 40), "MLPerf Tiny  running")])
async def test_one_under_way_can_be_stopped_and_has_its_name(size: tuple[int, int], name: str, until: Until) -> None:
    directory = campaigns.make(campaigns.cells(), campaigns.mixed())
    held = processes.lock(directory / store.PLAN)
    try:
        app = FvpApp(attach=directory)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: shown(app) and "to go" in head(app))
            assert name in lines(app)[0] and head(app) in lines(app)[0]
            assert ("2 workers" in head(app)) is (size[0] >= 120)
            assert app.screen.active_bindings["s"].enabled
            await until(pilot, lambda: size[0] < 120 or " s Stop " in lines(app)[-1])
    finally:
        os.close(held)


async def test_what_needs_a_look_comes_first_and_is_told(until: Until) -> None:
    app = FvpApp(attach=campaigns.make(campaigns.cells(), campaigns.mixed()))
    all_keys = [" ".join((c.spec.model, c.spec.quantize, c.spec.target.accelerator)) for c in campaigns.cells()]
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("v")
        await until(pilot, lambda: len(keys(app)) == 24)
        beginnings = [key.rsplit(" ", 2)[0] for key in keys(app)]
        assert beginnings[:3] == [all_keys[12], all_keys[5], all_keys[9]]
        signs = [str(row.cells[0].text) for row in app.screen.query_one(CampaignTable).rows[:5]]
        assert signs == ["≠", "✗", "!", "▸", "✓"]
        await pilot.press("down")
        await until(pilot, lambda: "aten.topk is not supported" in str(app.screen.query_one("#line", Static).content))
        await pilot.press("o")
        await until(pilot, lambda: [key.rsplit(" ", 2)[0] for key in keys(app)] == all_keys)
        await pilot.press("/", *"candidate u55", "enter")
        await until(pilot, lambda: len(keys(app)) == 2)
        await pilot.press("/", "escape")
        await until(pilot, lambda: len(keys(app)) == 24)


async def test_enter_goes_from_a_row_to_its_cells_and_from_a_cell_to_its_run(until: Until) -> None:
    run = fakes.whole("20261123-021531-digits-u85-256-7f3a", Spec(model="sample:digits"))
    first, *others = campaigns.cells()
    directory = campaigns.make((first, *others), [campaigns.started(), campaigns.ended(first, 1, run=run.name)])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: len(keys(app)) == 4)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, CampaignScreen))


async def test_it_fills_as_cells_end_and_others_are_a_key_away(until: Until) -> None:
    older = campaigns.make(campaigns.cells(), [campaigns.started(), campaigns.finished()], "older")
    newer = campaigns.make(campaigns.cells(), [campaigns.started()], "zz newer")
    names = store.ids()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("C")
        await until(pilot, lambda: shown(app) and "0 of 24" in head(app))
        campaigns.append(store.folder() / names[0], [campaigns.ended(campaigns.cells()[0], 1)])
        await until(pilot, lambda: "1 of 24" in head(app))
        await pilot.press("]")
        await until(pilot, lambda: "0 of 24" in head(app))
        await pilot.press("[")
        await until(pilot, lambda: "1 of 24" in head(app))
        assert {older.name, newer.name} == set(names)
        await pilot.press("q")
        await until(pilot, lambda: not isinstance(app.screen, CampaignScreen))


async def test_a_plan_that_cannot_be_read_is_said(until: Until, tmp_path: Path) -> None:
    directory = campaigns.make(campaigns.cells(), [])
    (directory / store.PLAN).write_text("{")
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "is damaged" in head(app))


async def test_ten_thousand_cells_are_shown_and_scrolled(until: Until) -> None:
    app = FvpApp(attach=campaigns.ten_thousand())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: shown(app) and "10,000 of 10,000" in head(app))
        await pilot.press("v")
        await until(pilot, lambda: len(keys(app)) == 10_000)
        await pilot.press("end")
        await until(pilot, lambda: "candidate1249" in "\n".join(lines(app)))
