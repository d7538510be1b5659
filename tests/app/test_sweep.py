"""The Sweep screen: the same figures as each configuration alone, a limit that is kept, and a choice that is taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.widgets import Static

from tests.app.conftest import Until
from tests.conftest import Ran, taken_over
from tui.app.screens.root import FvpApp
from tui.app.screens.setup import SetupScreen
from tui.app.screens.sweep import SweepScreen
from tui.app.screens.value import ValueScreen
from tui.app.widgets.heat_map import HeatMap
from tui.run import store
from tui.toolchain import boards

POINTS = 5 * len(boards.DEFAULT.npu.memory_modes)


def text(app: FvpApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def drawn(app: Any) -> str:
    return str(app.screen.query_one(HeatMap).render())


def complete(app: Any) -> bool:
    return isinstance(app.screen, SweepScreen) and "..." not in drawn(app)


async def test_points_limit_and_choice(ran: Callable[..., Ran], home: Path, until: Until) -> None:
    alone = ran("sample:digits", "--target", "ethos-u85-1024").state
    taken_over(ran("sample:digits"), home)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "--target ethos-u85-256" in text(app, "#command"))
        await pilot.press("w")
        await until(pilot, lambda: complete(app))
        # The cursor begins at what was set; two to the right are 1024 MACs.
        assert text(app, "#point").startswith("ethos-u85-256  Sram_Only")
        await pilot.press("right", "l")
        await until(pilot, lambda: "ethos-u85-1024" in text(app, "#point"))
        assert f" {alone['estimate']['total_cycles']:,} cycles  " in text(app, "#point")
        assert "fastest   ethos-u85-2048  Sram_Only" in text(app, "#choices")
        assert "smallest  ethos-u85-128  Sram_Only" in text(app, "#choices")
        assert "µs by MACs, Sram_Only" in text(app, "#curve")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press(*"x.", "enter")
        assert isinstance(app.screen, ValueScreen)
        await pilot.press("backspace", "backspace", *"0.005", "enter")
        await until(pilot, lambda: complete(app) and "!" in drawn(app))
        assert "smallest  ethos-u85-512  Sram_Only" in text(app, "#choices")
        # Another system config has other figures.
        before = text(app, "#point")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: complete(app) and text(app, "#point") != before)
        await pilot.press("y")
        assert app.clipboard.startswith("fvp-tui sweep sample:digits --system-configs ")
        assert "--max-inference-ms 0.005" in app.clipboard
        await pilot.press("left_square_bracket", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        command = text(app, "#command")
        assert "--target ethos-u85-1024 --memory-mode Shared_Sram" in command and "--system-config" not in command
    # Nothing was compiled again.
    assert len(store.ids()) == 1


async def test_a_model_that_was_never_lowered_is_compiled_once(home: Path, until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "sample:digits" in text(app, "#command"))
        await pilot.press("w")
        await until(pilot, lambda: "compiling the model once" in text(app, "#said"))
        await until(pilot, lambda: complete(app), seconds=120)
        assert text(app, "#said") == ""
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
    (name,) = store.ids()
    found = store.load(store.folder() / name)
    assert found.run.status == "ok" and found.spec is not None and found.spec.until == "emit"


async def test_a_program_cannot_be_swept(ran: Callable[..., Ran], until: Until) -> None:
    app = FvpApp(model=str(ran("sample:digits").artifacts / "model.pte"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "model.pte" in text(app, "#command"))
        await pilot.press("w")
        assert "a sweep needs the model itself" in text(app, "#model-problem")
