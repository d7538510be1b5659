"""The Setup screen."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.events import Key
from textual.widgets import Input, Static

from tests.app import fakes
from tests.app.conftest import Until, paste
from tests.conftest import Ran, taken_over
from tests.gallery.scene import SHIPPED
from tests.screen import lines_at
from tui import config
from tui.app import remembered
from tui.app.screens.confirm import Confirm
from tui.app.screens.path import PathScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.screens.setup import SetupScreen
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.filter_field import FilterField
from tui.app.widgets.model_browser import FilterLine, ModelBrowser
from tui.app.widgets.spec_form import SpecForm
from tui.app.widgets.table import FigureTable
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.reports import format
from tui.run import control, spec
from tui.run.spec import Spec
from tui.toolchain import boards, vela
from tui.toolchain.target import Target
from tui.toolchain.toolchains import Toolchain

TRUE_SAMPLES = catalogue.samples
"""Those of the toolchain: a fixture puts a list in their place."""

SIZES = [(80, 24), (120, 40), (60, 20)]


def setup(app: FvpApp) -> SetupScreen:
    assert isinstance(app.screen, SetupScreen)
    return app.screen


def text(app: FvpApp, selector: str) -> str:
    return str(app.screen.query_one(selector, Static).content)


def command(app: FvpApp) -> str:
    return app.screen.query_one(CommandLine).command


def problem(app: FvpApp) -> str:
    return app.screen.query_one(CommandLine).problem


def drawn(app: FvpApp, selector: str) -> str:
    return "\n".join(lines_at(app, selector))


def enter(app: FvpApp, field: str) -> None:
    """Go to a field of the form."""
    form = app.screen.query_one(SpecForm)
    form.enter(form.field(field))


def names(app: FvpApp) -> list[str]:
    return [row.key for row in app.screen.query_one(FigureTable).rows if row.tone != "heading"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Spec]:
    """Specs that were started; each becomes a run that has just begun."""
    found: list[Spec] = []

    def start(request: Spec) -> Path:
        found.append(request)
        name = f"20261123-05153{len(found)}-x-u85-256-cccc"
        return fakes.make(name, request, fakes.begun(name, request))

    monkeypatch.setattr(control, "start", start)
    monkeypatch.setattr("tui.model.catalogue.resolve", lambda name, _: name)
    return found


@pytest.mark.parametrize("size", SIZES)
async def test_one_key_runs_the_first_sample(size: tuple[int, int], started: list[Spec], until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        assert command(app).startswith("fvp-tui run sample:digits --target ethos-u85-256")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        assert [request.model for request in started] == ["sample:digits"]
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))


async def test_filter_finds_a_model_and_escape_shows_all(started: list[Spec], until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        everything = names(app)
        # Letters that are commands elsewhere are only letters here.
        await pilot.press("slash", *"qqq")
        assert names(app) == []
        assert setup(app).request() is None
        await pilot.press("backspace", "backspace", "backspace", *"mlperf")
        assert names(app) == ["executorch:resnet8"]
        await pilot.press("enter", "r")
        await until(pilot, lambda: started)
        assert started[0].model == "executorch:resnet8"
        await pilot.press("q", "slash", "escape")
        assert names(app) == everything


async def test_target_and_options_show_in_the_command(until: Until) -> None:
    app = FvpApp()
    known = vela.lists(boards.DEFAULT.npu)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        await pilot.press("tab", "down", "right", "down", "right")
        assert f"--target {known.accelerators[2]} --memory-mode {known.memory_modes[1]}" in command(app)
        await pilot.press("down", "left", "down", "right", *["down"] * 4, "right", *["down"] * 3, "1", "2")
        shown = command(app)
        assert f"--system-config {known.system_configs[2]}" in shown
        assert "--quantize a16w8 --platform simulator --inferences 12" in shown
        await pilot.press(*["up"] * 4, "right")
        assert command(app).startswith("fvp-tui compile sample:digits")
        assert "--platform" not in command(app) or setup(app).request().platform == "simulator"  # type: ignore[union-attr]
        await pilot.press("right")
        assert command(app).startswith("fvp-tui run sample:digits") and "--serve" in command(app)


async def test_another_family_brings_its_own_values_and_says_what_it_replaced(until: Until) -> None:
    set_before = msgspec.structs.replace(
        spec.DEFAULT,
        model="sample:digits",
        target=Target("ethos-u85-512", memory_mode="Dedicated_Sram"),
        parameters=((boards.DEFAULT.parameters.uart("unbuffered_output"), "0"),),
    )
    remembered.keep(spec=set_before)
    app = FvpApp()
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        await pilot.press("tab", "right")
        assert "--target ethos-u55-128 --memory-mode Shared_Sram" in command(app)
        assert "--system-config Ethos_U55_High_End_Embedded" in command(app) and " -C " not in command(app)
        told = drawn(app, "#command")
        assert "Without 1 parameter of another board. Replaced: 512 → 128 MACs  Dedicated_Sram → Shared_Sram" in told
        # Its sizes, and no mode whose arena would lie in flash.
        await pilot.press("down", "right", "down", "right")
        assert "Replaced" not in drawn(app, "#command")
        assert "--target ethos-u55-256 --memory-mode Sram_Only" in command(app)
        # A family that one comes back to is as one left it.
        await pilot.press("up", "up", "left")
        assert "--target ethos-u85-512 --memory-mode Dedicated_Sram" in command(app) and " -C " in command(app)
        # So does a system config bring a memory mode that it can have.
        await pilot.press(*["down"] * 3, "left", "left")
        assert "--memory-mode Sram_Only --system-config Ethos_U85_SYS_Flash_High" in command(app)
        assert "Replaced: Dedicated_Sram → Sram_Only" in drawn(app, "#command")


async def test_what_is_missing_is_said_and_refused(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.errors import UsageError

    def resolve(name: str, _: Toolchain) -> str:
        raise UsageError(f"{name} needs torchvision", "pip install torchvision")

    monkeypatch.setattr("tui.model.catalogue.resolve", resolve)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: SHIPPED[-1].name in names(app))
        table = app.screen.query_one(FigureTable)
        row = next(row for row in table.rows if row.key == "executorch:mv2")
        assert (row.tone, row.cells[1]) == ("dim", "needs torchvision")
        table.select("executorch:mv2")
        await pilot.press("enter")
        assert "needs torchvision (pip install torchvision)" in problem(app)
        assert isinstance(app.screen, SetupScreen)
        await pilot.press("up")
        assert problem(app) == ""


async def test_an_impossible_target_is_said_at_the_options(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    def lists(*_: object) -> vela.VelaLists:
        raise vela.VelaMissing("ethos-u-vela is not installed")

    monkeypatch.setattr(vela, "lists", lists)
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "ethos-u-vela is not installed" in problem(app)
        await pilot.press("enter")
        assert isinstance(app.screen, SetupScreen)


async def test_a_path_is_completed_checked_and_taken(tmp_path: Path, until: Until) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "kws_small.py").write_text("ModelUnderTest = ModelInputs = None\n", encoding="utf-8")
    (folder / "kws_other.py").write_text("x = 1\n", encoding="utf-8")
    (folder / "notes.txt").write_text("no model", encoding="utf-8")
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, PathScreen))
        field = app.screen.query_one(Input)
        field.value = f"{folder}/"
        await until(pilot, lambda: text(app, "#completions") == "kws_other.py  kws_small.py")
        await pilot.press("tab")
        await until(pilot, lambda: field.value == f"{folder}/kws_")
        await pilot.press("o", "tab")
        await until(pilot, lambda: field.value.endswith("kws_other.py"))
        await pilot.press("enter")
        assert "does not define ModelUnderTest and ModelInputs" in text(app, ".problem")
        field.value = f"{folder}/nothing.py"
        await pilot.press("enter")
        assert "no file" in text(app, ".problem")
        field.value = f"{folder}/kws_small.py"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SetupScreen))
        assert "kws_small.py" in command(app)
        request = setup(app).request()
        assert request is not None and request.model == str(folder / "kws_small.py")


async def test_files_of_earlier_runs_are_offered(until: Until) -> None:
    fakes.whole(request=fakes.spec_of("/somewhere/kws.py"))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "/somewhere/kws.py" in names(app))
        app.screen.query_one(FigureTable).select("/somewhere/kws.py")
        await pilot.press("enter")  # it is not there any more
        assert "no file /somewhere/kws.py" in problem(app)


async def test_a_model_of_the_command_line_is_selected(until: Until) -> None:
    app = FvpApp(model="executorch:lstm")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in command(app))


async def test_the_command_is_copied(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        await pilot.press("y")
        assert app.clipboard == "fvp-tui run sample:digits --target ethos-u85-256 --memory-mode Sram_Only"


async def test_a_model_that_was_lowered_tells_what_it_would_take_on_another_target(
    ran: Callable[..., Ran], home: Path, until: Until
) -> None:
    alone = ran("sample:digits", "--target", "ethos-u85-1024")
    taken_over(alone, home)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "by Vela, lowered " in drawn(app, "#target"))
        await pilot.press("tab", "down", "right", "right")
        assert "--target ethos-u85-1024" in command(app)
        latency = format.ms(alone.state["estimate"]["inference_ms"])
        await until(pilot, lambda: f" {latency} " in lines_at(app, "#target")[0])
        # A column for each size, as high as it is slow, with its latency above.
        _, values, *_, sizes = lines_at(app, "#target-fields")[:-2]
        assert sizes.strip("▌ ").split() == [str(macs) for macs in boards.DEFAULT.npu.macs]
        assert latency in drawn(app, "#target-fields") and "█" in drawn(app, "#target-fields") and "µs" in values
        await pilot.press("down", "right")
        await until(pilot, lambda: f" {latency} " not in lines_at(app, "#target")[0])
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "█" not in drawn(app, "#target-fields"))
        _, sizes, values = lines_at(app, "#target-fields")[:3]
        assert sizes.split()[0] == "Size" and values.count("µs") == 5
        await pilot.resize_terminal(120, 40)
        await pilot.press(*["shift+tab"] * 3, "j")
        await until(pilot, lambda: "not known: w sweeps" in lines_at(app, "#target")[-1])
        outlined = lines_at(app, "#target-fields")
        assert not any("█" in line for line in outlined) and max(line.count("╭") for line in outlined) == 5


async def test_what_was_set_last_comes_back_and_d_forgets_it_if_that_is_meant(
    started: list[Spec], until: Until
) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        await pilot.press("slash", *"resnet8", "enter", "tab", "down", "right", "r")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
    again = FvpApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(again))
        request = setup(again).request()
        assert request is not None and request == started[0]
        assert (request.model, request.target.macs) == ("executorch:resnet8", 512)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(again.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(again.screen, SetupScreen))
        assert setup(again).request() == request
        await pilot.press("d")
        await until(pilot, lambda: isinstance(again.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(again.screen, SetupScreen))
        assert setup(again).request() == Spec("executorch:resnet8")
        await pilot.press("d")  # nothing left to forget
        assert isinstance(again.screen, SetupScreen)


async def test_last_files_belong_to_their_model(started: list[Spec], tmp_path: Path, until: Until) -> None:
    data = tmp_path / "images"
    data.mkdir()
    for index in range(3):
        np.save(data / f"{index}.npy", np.zeros((1, 1, 8, 8), np.float32))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(app))
        enter(app, "inputs")
        await pilot.press("enter")
        await paste(pilot, str(data))
        await pilot.press("enter")
        await until(pilot, lambda: f"--dataset {data}" in command(app))
        # A data set is inferred on as a whole.
        await until(pilot, lambda: "--inferences 3" in command(app))
        await pilot.press("backspace")
        assert "--dataset" not in command(app)
        await pilot.press("enter")
        await paste(pilot, f"{data}/0.npy {data}/1.npy")
        await pilot.press("enter")
        await until(pilot, lambda: f"--input {data}/0.npy --input {data}/1.npy" in command(app))
        enter(app, "calibration")
        await pilot.press("enter")
        await paste(pilot, str(tmp_path / "nothing"))
        await pilot.press("enter")
        assert "no file" in str(app.screen.query(".problem").last(Static).content)
        await pilot.press("escape", "r")
        await until(pilot, lambda: started)
        assert started[0].inputs == (f"{data}/0.npy", f"{data}/1.npy")
    again = FvpApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "executorch:lstm" in names(again))
        request = setup(again).request()
        assert request is not None and (request.inputs, request.dataset) == ((), None)


async def test_the_last_model_stands_there_before_all_are_listed(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    may_list = threading.Event()

    def listed(_: Toolchain) -> list[ModelInfo]:
        may_list.wait(20)
        return list(SHIPPED)

    monkeypatch.setattr(catalogue, "executorch_models", listed)
    remembered.keep(spec=Spec(model="executorch:resnet8"))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "fvp-tui run executorch:resnet8 " in command(app))
        assert "executorch:lstm" not in names(app)
        may_list.set()
        await until(pilot, lambda: "executorch:lstm" in names(app))
        request = setup(app).request()
        assert request is not None and request.model == "executorch:resnet8"


async def test_code_runs_in_the_current_folder_and_again_where_it_ran(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, elsewhere = tmp_path / "net.py", tmp_path / "elsewhere"
    model.write_text("ModelUnderTest = ModelInputs = None\n")
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    for folder, words in ((elsewhere, f" --folder {elsewhere}"), (tmp_path, ""), (tmp_path / "gone", "")):
        remembered.keep(spec=Spec(model=str(model), folder=str(folder)))
        app = FvpApp()
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda app=app: str(model) in command(app))
            request = setup(app).request()
            assert request is not None and request.folder == str(elsewhere if words else tmp_path)
            assert (f" --folder {elsewhere}" in command(app)) == bool(words)


async def test_the_filter_is_put_there_once_by_the_one_who_types_and_the_screen() -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield ModelBrowser(lambda: 0.0, id="browser")

    app = Alone()
    async with app.run_test(size=(80, 24)):
        browser = app.query_one(ModelBrowser)
        first, second = await asyncio.gather(browser.add_filter(), browser.add_filter())
        assert first is second and len(browser.query(FilterLine)) == 0


async def test_a_letter_that_comes_before_the_field_knows_of_its_focus_is_kept(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query(FilterField))
        field = app.screen.query_one(FilterField)
        app.screen.set_focus(field)
        app.on_key(Key("r", "r"))  # on its way to the list when the focus moved
        await pilot.press("e", "s")
        assert field.value == "res"


async def test_a_toolchain_of_the_settings_is_chosen_and_decides_the_models(
    until: Until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without names in config.toml there is no such field."""
    monkeypatch.setattr(catalogue, "samples", TRUE_SAMPLES)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    async with FvpApp().run_test(size=(80, 24)) as pilot:
        assert "Toolchain" not in drawn(pilot.app, "#options")  # type: ignore[arg-type]
    config.folder().mkdir(parents=True, exist_ok=True)
    (config.folder() / config.NAME).write_text(f'[toolchains]\nold = "{tmp_path / "bare"}"\n')
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "sample:digits" in names(app))
        setup(app).query_one(SpecForm).enter(setup(app).query_one(SpecForm).field("toolchain"))
        await pilot.pause()
        assert "this Python's" in drawn(app, "#options") and "old" in drawn(app, "#options")
        await pilot.press("right")
        assert f"--toolchain {tmp_path / 'bare' / 'bin' / 'python'}" in command(app)
        await until(pilot, lambda: "0 of " in drawn(app, "#models"))
        assert "no compiler" in drawn(app, "ModelTable"), drawn(app, "ModelTable")
        await pilot.press("left")
        assert "--toolchain" not in command(app)
        await until(pilot, lambda: "0 of " not in drawn(app, "#models"))
