"""What the Setup screen shows beside the options: models with what is known of them, targets, platforms, the run."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.geometry import Region

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.pseudo_terminal import Terminal
from tests.app.test_hostile import CONTROLS, TEXTS
from tests.conftest import Ran, taken_over
from tests.gallery.scene import SAMPLES, SHIPPED
from tests.screen import lines_at, screen_lines
from tui.app import known_models, remembered
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.keybar import KeyBar
from tui.app.widgets.model_browser import ModelBrowser
from tui.app.widgets.setup_head import SetupHead
from tui.app.widgets.spec_form import SpecForm
from tui.app.widgets.table import FigureTable
from tui.model import catalogue
from tui.model.catalogue import ModelInfo
from tui.platform import discovery
from tui.platform.discovery import Location
from tui.toolchain import qemu
from tui.toolchain.toolchains import Toolchain

SIZES = [(60, 20), (80, 24), (120, 40), (200, 50)]


def drawn(app: FvpApp, selector: str) -> str:
    return "\n".join(lines_at(app, selector))


def regions(app: FvpApp) -> dict[str, Region]:
    """Places of all widgets. The field that filters takes the place of a line that looks like it."""
    return {
        "filter" if "Filter" in type(widget).__name__ else f"{type(widget).__name__}#{widget.id}": widget.region
        for widget in app.screen.query("*")
    }


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Holds back whatever is read beside the screen until it is set."""
    may = threading.Event()

    def models(_: Toolchain) -> list[ModelInfo]:
        may.wait(20)
        return list(SHIPPED)

    def find_fvp(explicit: str | None) -> Location | None:
        may.wait(20)
        return Location(Path("/opt/FVP"), "PATH")

    monkeypatch.setattr(catalogue, "executorch_models", models)
    monkeypatch.setattr(discovery, "find_fvp", find_fvp)
    monkeypatch.setattr(discovery, "probe", lambda path, env: "11.27.42")
    monkeypatch.setattr(discovery, "find_runner", lambda explicit: Location(Path("/opt/runner"), "PATH"))
    monkeypatch.setattr(qemu, "find", lambda: None)
    return may


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_moves_after_the_first_picture(
    size: tuple[int, int], doors: threading.Event, until: Until, ran: Callable[..., Ran], home: Path
) -> None:
    taken_over(ran("sample:digits"), home)
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        before, head, columns = regions(app), lines_at(app, "#top")[0], lines_at(app, "ModelTable")[0]
        rows = [line[:20] for line in lines_at(app, "ModelTable") if line.strip()]
        assert "–" in head if size[0] >= 100 else "FVP or SIMULATOR" in head
        doors.set()
        await until(pilot, lambda: "executorch:mv2" in [row.key for row in app.screen.query_one(FigureTable).rows])
        await until(pilot, lambda: "µs" in drawn(app, "ModelTable"))
        await until(pilot, lambda: " by Vela, " in drawn(app, "#target"))
        await until(pilot, lambda: "or SIMULATOR" not in drawn(app, "#top") and "–" not in drawn(app, "#top"))
        assert regions(app) == before and lines_at(app, "ModelTable")[0] == columns
        # The models that were there are where they were.
        assert [line[:20] for line in lines_at(app, "ModelTable")][: len(rows)] == rows


async def test_the_models_of_the_last_time_are_there_before_they_are_looked_for(
    doors: threading.Event, until: Until
) -> None:
    known_models.keep([*SAMPLES, *SHIPPED], None)
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        keys = [row.key for row in app.screen.query_one(FigureTable).rows]
        assert "executorch:mv2" in keys and keys[-1] == "file..."
        doors.set()


async def test_models_have_what_is_known_of_them_in_columns_that_are_there_from_the_start(until: Until) -> None:
    fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "4.33 µs" in drawn(app, "ModelTable"))
        head, _, digits, *_ = lines_at(app, "ModelTable")
        assert head.split() == ["model", "MACs", "last"]
        assert head.rindex("MACs") + 4 == digits.index("312 k") + 5 and head.index("last") + 4 == digits.index("µs") + 2
        assert "4 of 5 ready" in lines_at(app, "#models")[0]
        headings = [row.cells for row in app.screen.query_one(FigureTable).rows if row.tone == "heading"]
        assert headings == [("samples", "2"), ("executorch", "2 of 3"), ("files", "none yet")]


async def test_the_card_tells_what_runs_have_shown_and_without_any_what_enter_does(until: Until) -> None:
    fakes.whole()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "1 run" in drawn(app, "#card"))
        card = drawn(app, "#card")
        assert "─ digits ─" in card and "8x8 digits, a small CNN" in card
        assert "MACs 312,320" in card and "program 20.8 KiB" in card and "flash 15.2 KiB" in card
        assert "✓ MATCH  4.33 µs simulator" in card
        # The network of that run.
        await until(pilot, lambda: "features.2" in drawn(app, "#card"))
        await pilot.press("down")
        await until(pilot, lambda: "Enter runs it" in drawn(app, "#card"))
        assert "─ split ─" in drawn(app, "#card") and "1 run" not in drawn(app, "#card")
        app.screen.query_one(FigureTable).select("executorch:mv2")
        await until(pilot, lambda: "needs torchvision" in drawn(app, "#card"))


async def test_the_card_of_a_file_names_its_inputs_by_its_source(tmp_path: Path, until: Until) -> None:
    model = tmp_path / "net.py"
    model.write_text("import torch\nModelUnderTest = None\nModelInputs = (torch.ones(1, 3,\n  32, 32),)\n")
    app = FvpApp(model=str(model))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "(torch.ones(1, 3, 32, 32),)" in drawn(app, "#card"))
        assert "source" in drawn(app, "#card") and "Enter runs it" in drawn(app, "#card")
        model.write_text("ModelUnderTest = None\nModelInputs = (" + ", ".join(map(str, range(60))) + ")\n")
    # A long one goes on below, and leaves room for what enter does.
    app = FvpApp(model=str(model))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: " 0, 1" not in drawn(app, "#card") and "(0, 1, " in drawn(app, "#card"))
        assert "20, 21, 22" in drawn(app, "#card") and "Enter runs it" in drawn(app, "#card")


async def test_the_first_line_says_what_is_installed(doors: threading.Event, until: Until) -> None:
    doors.set()
    app = FvpApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "FVP ✓ 11.27.42   SIMULATOR ✓   QEMU ✗" in drawn(app, "#top"))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: lines_at(app, "#top")[0].rstrip().endswith("  FVP"))
        form = app.screen.query_one(SpecForm)
        form.field("platform").value = "simulator"
        await until(pilot, lambda: lines_at(app, "#top")[0].rstrip().endswith("SIMULATOR"))
        form.field("until").value = "emit"
        await until(pilot, lambda: lines_at(app, "#top")[0].rstrip().endswith("compile only"))


async def test_a_run_that_goes_on_is_shown_and_one_key_away_until_it_ends(until: Until) -> None:
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of("sample:split")
    directory = fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted()])
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "a watches split infer" in drawn(app, "#top"))
        assert "a Watch the run" in str(app.screen.query_one(KeyBar).content) or "+" in drawn(app, "KeyBar")
        # Enter runs the chosen model all the same.
        assert "↵  Run" in drawn(app, "#command")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.directory == directory)
        await pilot.press("q")
        await until(pilot, lambda: app.screen.query(SetupHead))
        fakes.append(directory, [*fakes.inferred(), *fakes.checked(), *fakes.finished()])
        await until(pilot, lambda: "watches" not in drawn(app, "#top"))
        await pilot.press("a")
        assert app.screen.query(SetupHead)
        # What it has found stands in the list.
        await until(pilot, lambda: drawn(app, "ModelTable").count("4.33 µs") == 1)


async def test_a_run_that_is_started_elsewhere_is_shown(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of("sample:split")
        fakes.make(name, request, fakes.begun(name, request))
        await until(pilot, lambda: "a watches split starting" in drawn(app, "#top"))


async def test_changed_parameters_are_counted_and_enter_opens_them(until: Until) -> None:
    remembered.keep(spec=fakes.spec_of(parameters=(("a", "1"), ("b", "2"))))
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(SpecForm)
        await until(pilot, lambda: "Parameters  2 changed" in drawn(app, "#platform"))
        form.enter(form.field("parameters"))
        await pilot.pause()
        assert "↵  Choose" in drawn(app, "#command")
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "ParametersScreen")


async def test_fields_that_mean_nothing_keep_their_place_and_are_skipped(until: Until) -> None:
    app = FvpApp()
    async with app.run_test(size=(80, 24)) as pilot:
        form = app.screen.query_one(SpecForm)
        before = regions(app)
        form.field("until").value = "emit"
        await pilot.pause()
        assert [line.split()[-1] for line in lines_at(app, "#platform-fields")] == ["–"] * 5
        assert "↵  Compile" in drawn(app, "#command") and regions(app) == before
        form.enter(form.field("until"))
        await pilot.press("down")
        assert form.current is None


def test_it_can_be_read_without_colour_and_without_unicode(
    terminal: Callable[..., Terminal], ran: Callable[..., Ran], home: Path
) -> None:
    taken_over(ran("sample:digits"), home)
    tui = terminal(rows=40, columns=120, NO_COLOR="1", LC_ALL="C")
    tui.wait(lambda: "by Vela, lowered" in tui.text and "MATCH" in tui.text)
    assert tui.text.isascii() and "> digits" in tui.text and "<-  Run" in tui.text
    # The chosen size and the chosen values are reversed, and no colour is sent.
    for chosen in (b"256", b"Sram_Only"):
        assert re.search(rb"\x1b\[[0-9;]*7;39;49m *" + chosen, tui.raw)
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];[0-9;]*m", tui.raw)
    tui.child.send("/resn\r")  # at once, as over a slow connection
    tui.wait(lambda: "> resnet8" in tui.text and "run executorch:resnet8" in tui.text)
    tui.child.send("\x11")
    assert tui.end() == 0


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("number", range(len(TEXTS)))
async def test_hostile_text_is_only_text(number: int, size: tuple[int, int], until: Until) -> None:
    text = TEXTS[number]
    path = f"/tmp/{text[:200]}.py".replace("\0", "").encode("utf-8", "replace").decode()
    name, request = "20261123-061531-x-u85-256-dddd", fakes.spec_of(path)
    fakes.make(name, request, [*fakes.begun(name, request), *fakes.compiled()])
    title = ModelInfo(f"sample:{text}"[:200], text, "samples", Path("x.py"))
    missing = ModelInfo("sample:y", text, "samples", Path("y.py"), (text,))
    app = FvpApp()
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "watches" in drawn(app, "#top"))
        app.screen.query_one(ModelBrowser).take_models([title, missing])
        for key in ("home", "down", "down", "end"):
            await pilot.press(key)
            await pilot.pause()
            shown = screen_lines(app)
            assert not {c for line in shown for c in line} & set(CONTROLS)
            assert all(cell_len(line) <= size[0] for line in shown)
