"""The Parameters screen on the bundled simulator's own list."""

import re
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.app.conftest import Until, shown
from tui.app import remembered
from tui.app.screens.parameters import ParametersScreen, PresetScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.setup import SetupScreen
from tui.app.screens.value import ValueScreen
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.table import FigureTable
from tui.errors import UsageError
from tui.platform import presets
from tui.run import spec
from tui.run.spec import Spec
from tui.toolchain import boards
from tui.toolchain.target import on_board_of

EXTRA = "mps4_board.subsystem.ethosu.extra_args"
TELNET = "mps4_board.telnetterminal0.start_telnet"


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", "")


def text(app: FvpApp, widget: str) -> str:
    return str(app.screen.query_one(widget, Static).content)


def keys(app: FvpApp) -> list[str]:
    return [row.key for row in app.screen.query_one(FigureTable).rows]


def cell(app: FvpApp, key: str) -> str:
    return next(str(row.cells[1]) for row in app.screen.query_one(FigureTable).rows if row.key == key)


def listed(app: FvpApp) -> bool:
    return isinstance(app.screen, ParametersScreen) and EXTRA in keys(app)


def request(app: FvpApp) -> Spec:
    (screen,) = (screen for screen in app.screen_stack if isinstance(screen, ParametersScreen))
    return screen.request


async def test_what_is_changed_goes_into_the_command_of_the_run(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: listed(app))
        # What every run sets is shown as it will be, and the whole command line.
        assert cell(app, TELNET) == "0"
        assert f"-C {TELNET}=0" in text(app, "#command")
        await pilot.press("slash", *"terminal0.start", "enter", "enter")
        await until(pilot, lambda: dict(request(app).parameters).get(TELNET) == "1")
        assert f"-C {TELNET}=1" in text(app, "#command")
        await pilot.press("slash", "escape")
        app.screen.query_one(FigureTable).select("--timeout")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press("x", "enter")
        assert "is not a number" in text(app, ".problem")
        await pilot.press(*["backspace"] * 4, *"90", "enter")
        await until(pilot, lambda: request(app).timeout_s == 90)
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        command = app.screen.query_one(CommandLine).command
        assert "--timeout 90" in command and f"-C {TELNET}=1" in command


async def test_the_parameters_are_those_of_the_target_s_board(until: Until) -> None:
    remembered.keep(spec=Spec("sample:digits", target=on_board_of("ethos-u55-256")))
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ParametersScreen) and "ethosu.num_macs" in keys(app))
        assert (cell(app, "ethosu.num_macs"), cell(app, "cpu0.semihosting-enable")) == ("256", "1")
        assert not [key for key in keys(app) if key.startswith("mps4_board")]
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PresetScreen))
        app.screen.query_one(FigureTable).select("window")
        await pilot.press("enter")
        await until(pilot, lambda: request(app).parameters == ((boards.CORSTONE_300_U55.parameters.windows[0], "0"),))


async def test_a_default_is_had_again_and_a_contradiction_is_refused(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: listed(app))
        table = app.screen.query_one(FigureTable)
        table.select("mps4_board.subsystem.ethosu.num_macs")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press(*["backspace"] * 6, *"4096", "enter")
        assert "outside 0x80 to 0x800" in text(app, ".problem")
        await pilot.press(*["backspace"] * 4, *"512", "enter")
        await until(pilot, lambda: "contradicts the target" in text(app, "#problem"))
        assert request(app).parameters == ()
        table.select(TELNET)
        await pilot.press("enter")
        await until(pilot, lambda: request(app).parameters == ((TELNET, "1"),))
        await pilot.press("d")
        await until(pilot, lambda: request(app).parameters == ())


async def test_favourites_stand_first_and_stay(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: listed(app))
        app.screen.query_one(FigureTable).select(EXTRA)
        await pilot.press("f")
        await until(pilot, lambda: keys(app)[:2] == ["group:favourites", EXTRA])
    assert presets.favourites() == {EXTRA}


async def test_a_preset_is_applied_and_another_saved(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: listed(app))
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, PresetScreen))
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, ParametersScreen))
        assert request(app).timeout_s == presets.built_in()["patient"].timeout_s
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, ValueScreen))
        await pilot.press(*"my-own", "enter")
        await until(pilot, lambda: isinstance(app.screen, ParametersScreen))
    assert presets.load("my-own").timeout_s == 7200


def test_presets_are_files_and_the_user_s_own_go_first() -> None:
    presets.folder().mkdir(parents=True)
    (presets.folder() / "fast.toml").write_text('about = "slow"\n[parameters]\n"a.b" = true\n"c" = 7\n')
    found = presets.apply(Spec(model="m", parameters=(("c", "1"), ("d", "2"))), presets.load("fast"))
    assert (found.fast, found.parameters) == (False, (("c", "7"), ("d", "2"), ("a.b", "1")))
    (presets.folder() / "bad.toml").write_text("speed = 1\n")
    with pytest.raises(UsageError, match=r"bad\.toml"):
        presets.load("bad")
    with pytest.raises(UsageError, match=r"known: .*window"):
        presets.load("../bad")
    with pytest.raises(UsageError, match="cannot be the name"):
        presets.save("a/b", spec.DEFAULT)


async def test_names_that_begin_alike_are_told_apart_where_there_is_little_room(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("p")
        await until(pilot, lambda: listed(app))
        await pilot.press("slash", *"telnetterminal", "enter")
        await pilot.pause()
        names = re.findall(r"…\S+", shown(app.screen.query_one(FigureTable)))
        assert names[0].endswith("terminal0.quiet") and len(names) == len(set(names)) >= 5
