"""The Sweep screen: the same figures as each configuration alone, a limit that is kept, and a choice that is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from tests.app.conftest import Until, paste
from tests.app.test_hostile import CONTROLS, TEXTS
from tests.conftest import Ran, taken_over
from tests.screen import screen_lines
from tui.analysis.sweep import Point, result
from tui.app import remembered
from tui.app.screens.root import FvpApp
from tui.app.screens.save_points import SavePointsScreen
from tui.app.screens.setup import SetupScreen
from tui.app.screens.sweep import SweepScreen
from tui.app.screens.value import ValueScreen
from tui.app.time_limit import milliseconds, problem
from tui.app.widgets.card import Card
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.heat_map import HeatMap
from tui.app.widgets.lines import Lines
from tui.app.widgets.scatter import Scatter
from tui.app.widgets.sweep_cards import Doublings, Picks
from tui.app.widgets.sweep_plot import AXES, frontier, plot
from tui.reports.sweep import Pick, doublings, nearest_words
from tui.run import store
from tui.run.spec import Spec
from tui.toolchain import boards

POINTS = 5 * len(boards.DEFAULT.npu.memory_modes)


def text(app: FvpApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def map_of(app: Any) -> HeatMap:
    return app.screen.query_one(HeatMap)  # type: ignore[no-any-return]


def lines(app: Any, kind: type[Lines]) -> str:
    widget = app.screen.query_one(kind)
    return "\n".join(strip.text for strip in widget.drawn(widget.size.width, widget.paint()))


def complete(app: Any) -> bool:
    return isinstance(app.screen, SweepScreen) and map_of(app).complete


async def test_points_limit_and_choice(ran: Callable[..., Ran], home: Path, until: Until) -> None:
    alone = ran("sample:digits", "--target", "ethos-u85-1024").state
    taken_over(ran("sample:digits"), home)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "--target ethos-u85-256" in app.screen.query_one(CommandLine).command)
        await pilot.press("w")
        await until(pilot, lambda: complete(app))
        # The cursor begins at what was set; two to the right are 1024 MACs.
        assert text(app, "#point").startswith("▸ ethos-u85-256  Sram_Only")
        await pilot.press("right", "l")
        await until(pilot, lambda: "ethos-u85-1024" in text(app, "#point"))
        assert f" {alone['estimate']['total_cycles']:,} cycles  " in text(app, "#point")
        assert "15 of 15" in text(app, "#progress")
        chosen = lines(app, Picks).splitlines()
        assert chosen[0].startswith("★ fastest ") and "2048 MACs  Sram_Only" in chosen[1]
        assert chosen[4].startswith("◆ smallest ") and "128 MACs  Sram_Only" in chosen[5]
        assert chosen[8].startswith("▸ cursor ") and "1024 MACs  Sram_Only" in chosen[9]
        assert "★" in map_of(app).words and "◆" in map_of(app).words and "!" not in map_of(app).words
        gains = lines(app, Doublings)
        assert " 128 → 256 " in gains and "1024 → 2048" in gains and gains.count("×") == 4
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press(*"x.", "enter")
        assert isinstance(app.screen, ValueScreen)
        await pilot.press("backspace", "backspace", *"5 us", "enter")
        await until(pilot, lambda: complete(app) and "!" in map_of(app).words)
        assert "smallest under 5.00 µs" in lines(app, Picks) and "512 MACs  Sram_Only" in lines(app, Picks)
        assert "limit 5.00 µs" in lines(app, Scatter)
        # Another system config has other figures.
        before = text(app, "#point")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: complete(app) and text(app, "#point") != before)
        await pilot.press("y")
        assert app.clipboard.startswith("fvp-tui sweep sample:digits --system-configs ")
        assert "--max-inference-ms 0.005" in app.clipboard
        await pilot.press("left_square_bracket", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        command = app.screen.query_one(CommandLine).command
        assert "--target ethos-u85-1024 --memory-mode Shared_Sram" in command and "--system-config" not in command
    # Nothing was compiled again.
    assert len(store.ids()) == 1
    # The limit is remembered.
    assert remembered.read().limit_ms == pytest.approx(0.005)


async def test_a_key_switches_the_figures_and_another_the_axis(
    ran: Callable[..., Ran], home: Path, until: Until, tmp_path: Path
) -> None:
    taken_over(ran("sample:digits"), home)
    remembered.keep(limit_ms=0.000001)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "--target ethos-u85-256" in app.screen.query_one(CommandLine).command)
        await pilot.press("w")
        await until(pilot, lambda: complete(app))
        # No configuration keeps the limit of the last time.
        assert "none keeps the limit: " in lines(app, Picks)
        assert "★" not in map_of(app).words and map_of(app).words.count("!") == POINTS
        shown = {}
        for unit in ("µs", " ", "KiB", "%"):
            assert isinstance(map_of(app).point, Point)
            shown[map_of(app).metric.name] = map_of(app).words
            assert unit in map_of(app).words.splitlines()[2]
            await pilot.press("m")
        assert list(shown) == ["Latency", "Cycles", "SRAM", "MAC use"] and map_of(app).metric.name == "Latency"
        assert "2048" in lines(app, Scatter).splitlines()[-1]
        await pilot.press("a")
        assert "KiB" in lines(app, Scatter).splitlines()[-1] and "limit" not in lines(app, Scatter)
        # All that is known goes to a file.
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SavePointsScreen))
        assert app.screen.query_one(Input).value == "sweep-digits.csv"
        await pilot.press(*["backspace"] * 20)
        await paste(pilot, tmp_path / "points.csv")
        await pilot.press("enter")
        await until(pilot, lambda: complete(app))
        rows = (tmp_path / "points.csv").read_text(encoding="utf-8").splitlines()
        assert len(rows) == 1 + POINTS and rows[0].startswith("target,memory_mode,")
        # A file that is there stays as it is.
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SavePointsScreen))
        await pilot.press(*["backspace"] * 20)
        await paste(pilot, tmp_path / "points.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "file exists" in str(app.screen.query_one(".problem", Static).content))
        await pilot.press("escape")
        await until(pilot, lambda: complete(app))
        # No limit at all.
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press(*["backspace"] * 12, "enter")
        await until(pilot, lambda: complete(app) and "!" not in map_of(app).words)
        assert remembered.read().limit_ms == 0


async def test_a_model_that_was_never_lowered_is_compiled_once(home: Path, until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "sample:digits" in app.screen.query_one(CommandLine).command)
        await pilot.press("w")
        await until(pilot, lambda: "compiling the model once" in text(app, "#said"))
        await until(pilot, lambda: complete(app), seconds=120)
        assert text(app, "#said") == ""
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
    (name,) = store.ids()
    found = store.load(store.folder() / name)
    assert found.run.status == "ok" and found.spec is not None and found.spec.until == "emit"


async def test_families_of_npus_stand_in_one_map(ran: Callable[..., Ran], home: Path, until: Until) -> None:
    for options in ((), ("--target", "ethos-u55-128")):
        taken_over(ran("sample:digits", *options), home)
    remembered.keep(spec=Spec("sample:digits"))
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "--target ethos-u85-256" in app.screen.query_one(CommandLine).command)
        await pilot.press("w")
        await until(pilot, lambda: complete(app))
        # The only family stays.
        await pilot.press("8")
        assert f"{POINTS} of {POINTS}" in text(app, "#progress")
        await pilot.press("5", "6")
        await until(pilot, lambda: complete(app))
        assert "29 of 29" in text(app, "#progress") and "U55+U65+U85" in text(app, "#heading")
        # The cursor stays where it was; the best of all are picked.
        assert text(app, "#point").startswith("▸ ethos-u85-256  Sram_Only")
        rows = map_of(app).words.splitlines()
        assert rows[0].split() == ["Sram_Only", "Shared_Sram", "Dedicated_Sram"]
        assert [row.split()[0] for row in rows[1:]] == [*"5555", *"66", *"88888"]
        assert rows[1].split()[1] == "ethos-u55-32" and rows[1].count("µs") == 2 and "◆" in rows[1]
        assert rows[-1].split()[1] == "ethos-u85-2048" and "★" in rows[-1]
        chosen = lines(app, Picks)
        assert "U85-2048  Sram_Only" in chosen and "U55-32 " in chosen and " MACs " not in chosen
        assert {"5", "6", "8"} <= set("".join(lines(app, Scatter).splitlines()[:-2]))
        # An Ethos-U55 has no third memory mode: the cursor stays on what there is.
        await pilot.press("right", "right", *["up"] * 5)
        assert text(app, "#point").startswith("▸ ethos-u55-128  Shared_Sram")
        assert "U55" in app.screen.query_one("#gains", Card).words
        # A system config is that of the family under the cursor.
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: complete(app))
        await pilot.press("y")
        assert "--targets ethos-u55,ethos-u65,ethos-u85 --system-configs Ethos_U55_" in app.clipboard
        assert app.clipboard.endswith(",Ethos_U65_High_End,Ethos_U85_SYS_DRAM_Mid")
        # A family that is left out takes the cursor with it, and the choice fills Setup.
        await pilot.press("8", "enter")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        command = app.screen.query_one(CommandLine).command
        assert "--target ethos-u55-128" in command and "--system-config Ethos_U55_" in command
    assert len(store.ids()) == 2


async def test_a_program_cannot_be_swept(ran: Callable[..., Ran], until: Until) -> None:
    app = FvpApp(model=str(ran("sample:digits").artifacts / "model.pte"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "model.pte" in app.screen.query_one(CommandLine).command)
        await pilot.press("w")
        assert "a sweep needs the model itself" in app.screen.query_one(CommandLine).problem


@pytest.mark.parametrize(
    ("text", "ms"),
    [("", 0), ("2", 2), (" 0.5 ms ", 0.5), ("55us", 0.055), ("55 µs", 0.055), ("1 s", 1000), ("9ns", 9e-6)],
)
def test_a_limit_may_have_a_unit(text: str, ms: float) -> None:
    assert milliseconds(text) == pytest.approx(ms) and problem(text) is None


@pytest.mark.parametrize("text", ["x.", "ms", "0", "-1 ms", "nan", "inf", "5 minutes"])
def test_what_is_no_limit_is_said(text: str) -> None:
    assert problem(text)


def test_the_frontier_is_what_none_beats_in_size_and_time() -> None:
    times = ((128, "a", 9.0), (128, "b", 8.0), (256, "a", 8.5), (512, "a", 3.0), (512, "b", 3.0), (1024, "a", 3.1))
    points = [
        Point(target=f"ethos-u85-{macs}", memory_mode=mode, system_config="x", inference_ms=ms)
        for macs, mode, ms in times
    ]
    found = frontier([*points, Point(target="ethos-u85-64", memory_mode="a", system_config="x")], AXES[0])
    assert [(p.configuration.macs, p.memory_mode) for p in found] == [(128, "b"), (512, "a")]


async def test_without_colours_signs_tell_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("NO_COLOR", "1")
    names = tuple(f"ethos-u85-{macs}" for macs in (128, 256, 512))
    times = zip(names, (8.0, 3.0, 1.0), strict=True)
    made = [
        Point(target=name, memory_mode="Sram_Only", system_config="x", inference_ms=ms, total_cycles=9)
        for name, ms in times
    ]

    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield HeatMap(names, ("Sram_Only",))

    for size in ((60, 20), (80, 24), (120, 40)):
        app = Shown()
        async with app.run_test(size=size) as pilot:
            app.query_one(HeatMap).show(result("m", made))
            await pilot.pause()
            signs, figures = app.query_one(HeatMap).words.splitlines()[1:3]
            # The cursor is a frame.
            assert signs.count("#") == 2 * (5 + 3 + 1) and ("[" in figures or "┃" in figures)
            assert "8.00 ms" in figures and "◆" in figures and "★" in figures


@pytest.mark.parametrize("text", TEXTS)
async def test_names_and_reasons_of_vela_are_only_text(text: str, until: Until) -> None:
    known = Point(
        target="ethos-u85-128",
        memory_mode=text,
        system_config=text,
        inference_ms=1.0,
        total_cycles=9,
        sram_kib=1.0,
        macs=9,
        memory=text,
        memory_share=0.9,
    )
    refused = Point(target="ethos-u85-256", memory_mode=text, system_config=text, ok=False, reason=text)
    faster = msgspec.structs.replace(known, target="ethos-u85-256", inference_ms=0.9)
    sweep = result(text, [known, refused])

    class Shown(App[None]):
        def compose(self) -> ComposeResult:
            yield HeatMap(("ethos-u85-128", "ethos-u85-256"), (text,))
            yield Scatter()
            yield Picks()
            yield Doublings(1)

    app = Shown()
    async with app.run_test(size=(80, 40)) as pilot:
        app.query_one(HeatMap).show(sweep)
        app.query_one(Scatter).show(plot(sweep, AXES[0], (text,), known, 1.0))
        app.query_one(Picks).show(
            [Pick("★", "fastest", known)], 1.0, frontier(sweep.points, AXES[0]), nearest_words(sweep.points)
        )
        app.query_one(Doublings).show(doublings([known, faster]), 1)
        await pilot.pause()
        drawn = screen_lines(app)
        assert not {c for line in drawn for c in line} & set(CONTROLS)
        assert all(cell_len(line) <= 80 for line in drawn)
        assert any("1.00 ms" in line for line in drawn)
