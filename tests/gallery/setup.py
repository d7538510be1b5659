"""Setup, and what it opens: the welcome, the parameters, the dialogs for files."""

import os
import shutil
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.app import fakes
from tests.gallery.scene import Bench, Scene, read, text, until
from tui import config
from tui.app import remembered
from tui.app.screens.confirm import Confirm
from tui.app.screens.parameters import ParametersScreen, PresetScreen
from tui.app.screens.path import CalibrationScreen, DataScreen, InputsScreen, LogScreen, PathScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.setup import SetupScreen
from tui.app.screens.value import ValueScreen
from tui.app.screens.welcome import WelcomeScreen
from tui.app.widgets.model_card import ModelCard
from tui.app.widgets.setup_head import SetupHead
from tui.app.widgets.spec_form import SpecForm
from tui.app.widgets.table import FigureTable
from tui.toolchain import boards, qemu

FILES = ("calibration.npz", "console.log", "digits.pt", "image.npy", "model.py", "model.pt2")


def lowered(bench: Bench) -> FvpApp:
    """Setup on a machine with a run of the first sample and its lowered graph."""
    whole = fakes.whole()
    shutil.copytree(bench.ran("sample:digits").directory / "artifacts" / "vela", whole / "artifacts" / "vela")
    os.utime(whole, (fakes.T0, fakes.T0))
    os.utime(whole / "spec.json", (fakes.T0, fakes.T0))
    return FvpApp()


def lowered_and_open(bench: Bench) -> FvpApp:
    """The Run screen of that run."""
    lowered(bench)
    return FvpApp(attach=_of_digits(bench))


def _of_digits(bench: Bench) -> Path:
    return next((bench.home / "runs").glob("*digits*"))


async def foreseen(pilot: Pilot[None]) -> None:
    """Everything that is read beside the Setup screen has been read."""
    screen = pilot.app.screen

    def rows() -> list[str]:
        return [row.key for table in screen.query(FigureTable) for row in table.rows]

    await until(pilot, lambda: "executorch:mv2" in rows())
    await until(pilot, lambda: len(screen.query_one(SpecForm).picker.prospect.ms) == len(boards.DEFAULT.npu.macs))
    await until(pilot, lambda: screen.query_one(ModelCard).sheet.parts)
    await until(pilot, lambda: screen.query_one(SetupHead).platforms is not None)


async def in_options(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    await pilot.press("tab", "down", "right")


async def at_another_family(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    await pilot.press("tab", "right")
    await until(pilot, lambda: not pilot.app.screen.query_one(SpecForm).picker.prospect.ms)


def under_way(bench: Bench) -> FvpApp:
    """Setup while a run goes on, on a machine without QEMU."""
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()])
    bench.patch.setattr(qemu, "find", lambda: None)
    return FvpApp()


async def at_a_model_never_run(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: pilot.app.screen.query_one(SetupHead).run is not None)
    await until(pilot, lambda: pilot.app.screen.query_one(SetupHead).platforms is not None)
    await pilot.press("down")
    await pilot.pause()


def for_the_first_time(bench: Bench) -> FvpApp:
    (config.home() / remembered.FILE).unlink()
    return FvpApp()


async def greeted(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, WelcomeScreen))
    behind = pilot.app.screen_stack[0]
    await until(pilot, lambda: behind.query_one(SetupHead).platforms is not None)
    await until(pilot, lambda: "executorch:mv2" in [row.key for row in behind.query_one(FigureTable).rows])


def without_fvp(bench: Bench) -> FvpApp:
    bench.patch.setenv("PATH", "")  # no FVP of this machine's
    bench.patch.setenv("XDG_CONFIG_HOME", str(bench.home / "config"))
    return FvpApp()


async def parameters(pilot: Pilot[None]) -> None:
    await pilot.press("p")
    await until(pilot, lambda: len(pilot.app.screen.query_one(FigureTable).rows) > 5)
    # Where the simulator lies is this machine's business.
    pilot.app.screen.query_one("#command", Static).update("$ fvp-sim ...")
    await pilot.pause()


async def presets(pilot: Pilot[None]) -> None:
    await parameters(pilot)
    await pilot.press("p")
    await until(pilot, lambda: isinstance(pilot.app.screen, PresetScreen) and pilot.app.screen.query(FigureTable))
    await pilot.pause()


async def a_value(pilot: Pilot[None]) -> None:
    """The value of the first parameter that is no switch."""
    await parameters(pilot)
    await pilot.press("slash", *"extra_args", "enter", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ValueScreen))
    await pilot.pause()


async def reset(pilot: Pilot[None]) -> None:
    await in_options(pilot)
    await pilot.press("d")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await pilot.pause()


def in_a_folder(bench: Bench) -> FvpApp:
    """Setup in a folder with files of all kinds."""
    folder = bench.home.parent / "models"
    folder.mkdir()
    for name in FILES:
        (folder / name).touch()
    bench.patch.chdir(folder)
    return lowered(bench)


async def a_path(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    await pilot.press("e")
    await _completed(pilot, "m", "model.py")


async def a_log(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    await pilot.press("l")
    await _completed(pilot, "c", "console.log")


async def data(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    pilot.app.push_screen(DataScreen())
    await _completed(pilot, "", "image.npy")


async def calibration(pilot: Pilot[None]) -> None:
    await foreseen(pilot)
    pilot.app.push_screen(CalibrationScreen())
    await _completed(pilot, "nowhere.pt", "")
    await pilot.press("enter")
    await until(pilot, lambda: "! no file" in text(pilot.app))


def with_files(bench: Bench) -> FvpApp:
    """A run in a folder with files of all kinds."""
    in_a_folder(bench)
    return FvpApp(attach=_of_digits(bench))


async def inputs(pilot: Pilot[None]) -> None:
    await read(pilot)
    pilot.app.push_screen(InputsScreen())
    await _completed(pilot, "./i", "image.npy")


async def _completed(pilot: Pilot[None], typed: str, words: str) -> None:
    """Type the begin of a path, and wait for completions."""
    await until(pilot, lambda: pilot.app.screen.query("#completions"))
    pilot.app.screen.query_one(Input).value = typed
    if typed and words:
        await until(pilot, lambda: words in text(pilot.app))
    await pilot.pause()


SCENES = {
    "setup": Scene(SetupScreen, lowered, in_options),
    "setup at its begin": Scene(SetupScreen, lowered, foreseen),
    "setup of another family": Scene(SetupScreen, lowered, at_another_family),
    "setup while a run goes on": Scene(SetupScreen, under_way, at_a_model_never_run),
    "welcome": Scene(WelcomeScreen, for_the_first_time, greeted),
    "parameters": Scene(ParametersScreen, without_fvp, parameters),
    "presets": Scene(PresetScreen, without_fvp, presets),
    "value": Scene(ValueScreen, without_fvp, a_value),
    "question": Scene(Confirm, lowered, reset),
    "file of a model": Scene(PathScreen, in_a_folder, a_path),
    "log from elsewhere": Scene(LogScreen, in_a_folder, a_log),
    "files of inputs": Scene(DataScreen, in_a_folder, data),
    "calibration": Scene(CalibrationScreen, in_a_folder, calibration),
    "inputs of one more inference": Scene(InputsScreen, with_files, inputs),
}
