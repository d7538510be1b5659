"""The Run screen, fed by journals."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Static

from tests.app import fakes
from tests.app.conftest import Until, paste, shown
from tests.screen import seen
from tui import processes
from tui.app.screens.confirm import Confirm
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.header import RunHeader
from tui.app.widgets.help_text import HelpText
from tui.app.widgets.log_view import LogView
from tui.app.widgets.panel import Panel
from tui.app.widgets.panels import PANELS
from tui.app.widgets.rail import Rail
from tui.app.widgets.search_field import SearchField
from tui.app.widgets.table import FigureTable
from tui.app.widgets.tabs import Tabs
from tui.errors import UserError
from tui.run import control, events, store
from tui.run.check import Check, Layer, OutputCheck
from tui.run.delegation import CpuOperator, Delegation, OperatorDelegation
from tui.run.figures import Earlier, Estimate, MemoryPool, Operator, PlanStep, PlatformInfo, PoolNeed, Statistics

SIZES = [(80, 24), (120, 40), (60, 20)]


def screen(app: FvpApp) -> RunScreen:
    assert isinstance(app.screen, RunScreen)
    return app.screen


def read(app: FvpApp) -> object:
    """Something to wait for: the first state is there."""
    return isinstance(app.screen, RunScreen) and app.screen.state


def text(app: FvpApp, widget: type[Widget] | str) -> str:
    return shown(app.screen.query_one(widget, Widget))


@pytest.mark.parametrize("size", SIZES)
async def test_a_finished_run_is_shown_whole(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: read(app))
        assert "✓ OK" in text(app, RunHeader) and "digits" in text(app, RunHeader)
        assert ("9.50 s" in text(app, RunHeader)) is (size[0] >= 80)
        assert "SIMULATOR" in text(app, RunHeader)
        assert ("cycles estimated" in text(app, RunHeader)) is (size[0] >= 100)
        assert ("all stages done" if size[0] == 60 else "lower") in text(app, Rail)
        assert ("lower 6.2" in text(app, Rail)) is (size == (120, 40))
        for word in ("LATENCY", "4.33", "SRAM PEAK", "6.5", "✓ MATCH", "97.5% right"):
            assert word in seen(app)
        wanted = {
            1: ["4,333 cycles", "4.33 µs at 1 GHz", "4,321", "features.2", "1,980", "46%", "fused", "━", "SRAM reads"],
            2: ["31 NPU", "1 partition", "features.2", "P0 4,321", "stays on the CPU", "float at the program's"],
            3: ["MATCH", "top-1", "97.5%", "CPU instructions are not known", "artifacts/model.pte"],
            4: ["6.5 KiB SRAM", "▲ peak", "A features", "At step 2", "5.0 KiB", "4.0 KiB"],
            5: ["Method 'forward' loaded.", "1 debug line hidden"],
            6: ["No suggestions for this run."],
        }
        for number, words in wanted.items():
            await pilot.press(str(number))
            await pilot.press("z")  # at any size a panel alone shows the most
            shown = seen(app)
            for word in words:
                if size[0] >= 80 or word not in (
                    "━",
                    "fused",
                    "SRAM reads",
                    "46%",
                    "top-1",
                    "1 partition",
                    "features.2",
                ):
                    assert word in shown, f"{word!r} is not in panel {number} at {size}:\n{shown}"
            await pilot.press("z")


@pytest.mark.parametrize("size", SIZES)
async def test_outputs_that_are_not_the_models_are_told_at_every_size(size: tuple[int, int], until: Until) -> None:
    app = FvpApp(attach=fakes.mismatching())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: read(app))
        head = " ".join(text(app, RunHeader).split())
        assert head.startswith("✗ MISMATCH net") and "OK" not in head
        assert "Lowering changed the result, 38.8 dB -> 7.9 dB" in seen(app)
        assert "check MISMATCH" in text(app, Rail) and "✗ MISMATCH" in seen(app)
        if app.screen.query_one(Tabs).display:
            assert "3 Check ✗ MISMATCH" in text(app, Tabs).replace("Chec ", "Check ")
        await pilot.press("3", "z")
        shown = seen(app)
        assert "quantized -> lowered" in shown and "BROKEN" in shown


async def test_wide_shows_the_panels_side_by_side_narrow_one_at_a_time(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        # The check has its tile; on a high screen its panel, too.
        assert [p.TITLE for p in app.screen.query(Panel) if not p.display] == ["Check"]
        assert not app.screen.query_one(Tabs).display
        await pilot.resize_terminal(120, 56)
        await until(pilot, lambda: all(p.region.height > 2 for p in app.screen.query(Panel)))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: screen(app).has_class("-single"))
        assert [p.number for p in app.screen.query(Panel) if p.display] == [1]
        tabs = text(app, Tabs)
        assert tabs.startswith("▌1 Time 4,333 ")
        assert all(f"{number} {info.make.TITLE}" in tabs for number, info in enumerate(PANELS, start=1))
        assert "Network 31/34" in tabs and "Check ✓" in tabs
        await pilot.press("tab", "tab")
        assert [p.number for p in app.screen.query(Panel) if p.display] == [3]
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: app.screen.size.width == 120)
        # It has no place beside the others here: it stays alone until another one is asked for.
        assert [p.number for p in app.screen.query(Panel) if p.display] == [3]
        await pilot.press("4", "z")
        assert [p.number for p in app.screen.query(Panel) if p.display] == [4]
        await pilot.press("escape")
        assert len([p for p in app.screen.query(Panel) if p.display]) == len(PANELS) - 1


@pytest.mark.parametrize("covered", [False, True])
async def test_the_head_has_one_line_at_every_width(covered: bool, until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        if covered:
            await pilot.press("h")
            await until(pilot, lambda: isinstance(app.screen, HistoryScreen))
        await pilot.resize_terminal(80, 24)
        if covered:
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: screen(app).has_class("-single"))
        assert app.screen.query_one(RunHeader).size.height == app.screen.query_one(Rail).size.height == 1


async def test_a_journal_that_grows_is_followed(until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, [])
    # As its process holds it from before its first event.
    lock = processes.lock(directory / store.SPEC)
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        os.close(lock)
        assert "● RUNNING  starting" in text(app, RunHeader) and "digits" in text(app, RunHeader)
        fakes.append(directory, fakes.begun(name, request))
        fakes.append(directory, [events.StageStarted(t=fakes.T0, stage="load")])
        await until(pilot, lambda: "● RUNNING  load  12 s" in text(app, RunHeader))
        await until(pilot, lambda: "● load" in seen(app) and "no earlier run of this model" in seen(app))
        fakes.append(directory, fakes.compiled())
        await until(pilot, lambda: "✓ emit" in seen(app))
        assert "no platform yet" in text(app, RunHeader)
        fakes.append(directory, fakes.booted())
        await until(pilot, lambda: "inference 1 running, 2 s" in seen(app))
        assert "features.2" in seen(app) and "traced" not in seen(app)
        fakes.append(directory, fakes.traced({0: 543, 1: 1_987}, running=3))
        await until(pilot, lambda: "operator 4 of 5: features.5" in seen(app))
        shown = seen(app)
        assert "traced" in shown
        assert re.search(r"features\.2 .* 1,987 ", shown) and re.search(r"features\.5 .* now ", shown)
        fakes.append(directory, fakes.traced({3: 1_291}, running=5))
        await until(pilot, lambda: "operator 5 of 5: classify" in seen(app) and "1,291" in seen(app))
        assert "Starting 1 inference..." in seen(app)
        fakes.append(directory, [*fakes.inferred((4_333, 4_300, 4_999)), *fakes.checked("mismatch")])
        await until(pilot, lambda: "✗ MISMATCH" in seen(app))
        await pilot.press("z")
        assert "min 4,300  median 4,333  p99 4,999  max 4,999" in seen(app)
        assert "VARIES" in seen(app)
        statistics = Statistics(instructions=1_250_000, mips=12.5, simulated_s=0.25, wall_s=0.5)
        pools = MemoryPool(name="method_allocator", used=4_321, size=62_914_560), MemoryPool(name="planned", used=99)
        fakes.append(directory, [events.MemoryKnown(t=fakes.T0, pool=pool) for pool in pools])
        fakes.append(directory, [events.StatisticsKnown(t=fakes.T0, statistics=statistics)])
        said = "1,250,000 instructions, 12.50 MIPS, 250 ms simulated, 500 ms of wall time"
        await until(pilot, lambda: said in text(app, ".figures"))
        assert "method_allocator 4,321 of 62,914,560 bytes" in text(app, ".figures")
        fakes.append(directory, fakes.finished())
        await until(pilot, lambda: "✗ MISMATCH" in text(app, RunHeader) and "9.50 s" in text(app, RunHeader))


async def test_advice_stands_with_its_evidence(until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-aaaa", fakes.spec_of()
    check = Check(
        status="match",
        outputs=(
            OutputCheck(
                shape=(1, 10), dtype="float32", sqnr_db=12.5, cosine=0.98, top1_float=0.75, top=((7, 3.25), (1, 0.5))
            ),
        ),
    )
    layers = Layer(name="head", op="aten.linear", sqnr_db=12.5, line="net.py:9"), Layer(name="x", op="input")
    pools = PoolNeed(name="method_allocator", needed=2_000, available=1_500, excess=500)
    what = [
        *fakes.begun(name, request),
        *fakes.compiled(),
        events.LayersCompared(t=fakes.T0, layers=layers),
        events.PoolsKnown(t=fakes.T0, pools=(pools,)),
        events.Checked(t=fakes.T0, check=check),
        *fakes.finished(),
    ]
    app = FvpApp(attach=fakes.make(name, request, what))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("6", "z")
        shown = " ".join(seen(app).split())
        assert "a tries it: --quantize a16w8" in shown and "inputs like those in the field" in shown
        assert "SQNR is 12.5 dB; head (aten.linear) is the first layer below 20 dB;" in shown and "net.py:9" in shown
        await pilot.press("3")
        shown = " ".join(seen(app).split())
        assert "cosine 0.98000" in shown and "as float 75.0%" in shown and "Answer 7 3.25 1 0.5" in shown
        assert "first below 20.0 dB against float: head (aten.linear), 12.5 dB net.py:9" in shown
        assert "method_allocator at least 2,000 of 1,500 bytes, 500 TOO MANY" in shown


async def test_a_failed_run_says_why_and_what_to_do(until: Until) -> None:
    app = FvpApp(attach=fakes.failed())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        shown = seen(app)
        assert "✗ FAILED" in shown and "aten.atan2 has a float input that was not quantized" in shown
        assert "quantize the whole model" in shown and "✗lower 2.6 FAILED" in shown
        assert "1 error" in shown and "Traceback: no such luck" in shown


async def test_a_lost_run_is_not_shown_as_running(until: Until) -> None:
    directory = fakes.gone()
    (directory / store.PROCESS_LOG).write_text("cannot write\n")
    app = FvpApp(attach=directory)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        assert "LOST" in seen(app) and "the run process is gone without a result: cannot write" in seen(app)
        assert "runner.log" in seen(app)


async def test_a_run_whose_folder_vanishes_is_lost(until: Until) -> None:
    app = FvpApp(attach=store.folder() / "20261123-071531-nowhere")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        assert "LOST" in seen(app)


async def test_stop_asks_first_and_says_what_went_wrong(until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Path] = []

    def stop(directory: Path) -> None:
        told.append(directory)
        if len(told) == 2:
            raise UserError("it does not answer [/foo]", "it may have just ended")

    monkeypatch.setattr(control, "stop", stop)
    name, request = "20261123-081531-digits-u85-256-eeee", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    app = FvpApp(attach=directory)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert told == []
        for times in (1, 2):
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press("y")
            await until(pilot, lambda times=times: len(told) == times)
        await until(pilot, lambda: "it does not answer [/foo]" in seen(app))
        fakes.append(directory, fakes.finished("stopped", "stopped by the user"))
        await until(pilot, lambda: "STOPPED" in text(app, RunHeader))
        await pilot.press("s")  # nothing left to stop
        assert isinstance(app.screen, RunScreen)


async def test_log_follows_until_scrolled_and_returns(until: Until) -> None:
    name, request = "20261123-091531-digits-u85-256-ffff", fakes.spec_of()
    directory = fakes.make(name, request, [*fakes.begun(name, request), *fakes.log([f"line {n}" for n in range(500)])])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("5")
        await until(pilot, lambda: "line 499" in seen(app))
        assert "500 lines  following" in seen(app)
        await pilot.press("pageup")
        view = app.screen.query_one(LogView)
        assert not view.following and "line 499" not in seen(app)
        fakes.append(directory, fakes.log(["late 1", "late 2"]))
        await until(pilot, lambda: "+2 new (f)" in seen(app))
        assert "late 2" not in seen(app)
        await pilot.press("f")
        await until(pilot, lambda: "late 2" in seen(app))
        await pilot.press("home")
        assert "line 0" in seen(app) and not view.following
        await pilot.press("end")
        assert view.following and "late 2" in seen(app)


async def test_log_search_goes_round_and_finds_debug_lines(until: Until) -> None:
    name, request = "20261123-101531-digits-u85-256-abcd", fakes.spec_of()
    texts = [f"line {n}{' NEEDLE' if n in (100, 300) else ''}" for n in range(400)]
    what = [*fakes.begun(name, request), *fakes.log(texts), *fakes.log(["hidden thread"], "debug"), *fakes.finished()]
    app = FvpApp(attach=fakes.make(name, request, what))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("slash", *"needle", "enter")
        for number, key in ((101, "n"), (301, "n"), (101, "N"), (301, None)):
            await until(pilot, lambda number=number: f"match in line {number}" in seen(app))
            assert f"line {number - 1} NEEDLE" in seen(app)
            if key:
                await pilot.press(key)
        await pilot.press("slash", *"hidden th", "enter")
        await until(pilot, lambda: "match in line 401" in seen(app))
        assert "D>uart     hidden thread" in seen(app)
        await pilot.press("slash", *"nowhere to be found", "enter")
        await until(pilot, lambda: "no match" in seen(app))
        # q is a letter while it is typed, and Back otherwise.
        await pilot.press("slash", "q", "escape", "q")
        await until(pilot, lambda: app._exit)


async def test_history_and_help_from_a_run(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("question_mark")
        await until(pilot, lambda: "Time, the panel in focus" in seen(app))
        words = {section.title: dict(section.entries) for section in app.screen.query_one(HelpText).sections}
        assert "Network" in words and "SQNR" in words["Check"]
        await pilot.press("q", "h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        await pilot.press("enter")
        await until(pilot, lambda: read(app))
        assert len(app.screen_stack) == 2, "the run that the history was looked at from"


async def test_all_actions_are_in_the_command_palette(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {
            "Zoom",
            "History",
            "Copy command",
            "Back",
            "Help",
            "Quit",
            "Panel: Log",
            "Theme",
            "Follow",
        } <= titles
        panel = next(c for c in app.get_system_commands(app.screen) if c.title == "Panel: Log")
        await panel.callback()  # type: ignore[misc]
        await until(pilot, lambda: isinstance(app.focused, LogView))
        await pilot.press("1")
        search = next(c for c in app.get_system_commands(app.screen) if c.title == "Search")
        await search.callback()  # type: ignore[misc]
        await until(pilot, lambda: isinstance(app.focused, SearchField))


async def test_a_platform_that_stays_is_asked_again_and_let_go_by_keys(until: Until, tmp_path: Path) -> None:
    name = "20261123-000001-digits"
    request = fakes.spec_of(serve=True)
    platform = PlatformInfo(kind="fvp", name="FVP", version="1", argv=("x",))
    what = [
        *fakes.begun(name, request),
        events.PlatformStarted(t=fakes.T0, platform=platform, pid=1),
        fakes.inferred((4_333,))[0],
        events.PhaseChanged(t=fakes.T0, phase="waiting"),
    ]
    directory = fakes.make(name, request, what)
    given = tmp_path / "one.npy"
    given.write_bytes(b"")
    asked: list[dict[str, object]] = []

    def handle(message: dict[str, object]) -> str | None:
        asked.append(message)
        return "its platform is busy" if message.get("inputs") else None

    server = control.Server(directory, handle)
    app = FvpApp(attach=directory)
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: "waiting: i infers again" in seen(app))
            await pilot.press("i")
            await until(pilot, lambda: asked)
            await pilot.press("I")
            await paste(pilot, str(given))
            await pilot.press("enter")
            await until(pilot, lambda: len(asked) == 2)
            await until(pilot, lambda: "is busy" in " ".join(seen(app).split()))
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            await pilot.press("n", "s")
            await until(pilot, lambda: isinstance(app.screen, Confirm))
            assert len(asked) == 2
            await pilot.press("y")
            await until(pilot, lambda: len(asked) == 3)
    finally:
        server.close()
    assert [message["command"] for message in asked] == ["infer", "infer", "stop"]
    assert [message.get("inputs") for message in asked] == [[], [str(given)], None]


async def test_only_a_platform_that_stays_is_asked_again(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        assert "Infer again" not in seen(app)


async def test_while_the_platform_is_silent_it_is_told_what_it_takes(until: Until) -> None:
    name = "20261123-000002-digits"
    request = fakes.spec_of()
    platform = PlatformInfo(kind="fvp", name="FVP", version="1", argv=("x",))
    with subprocess.Popen(["sleep", "600"]) as silent:
        what = [
            *fakes.begun(name, request),
            events.PlatformStarted(t=fakes.T0, platform=platform, pid=silent.pid),
            events.EarlierKnown(t=fakes.T0, earlier=Earlier(runs=3, inference_s=11.25)),
            events.InferenceStarted(t=fakes.T0, index=0),
        ]
        app = FvpApp(attach=fakes.make(name, request, what))
        async with app.run_test(size=(120, 40)) as pilot:
            line = app.screen.query_one(".running", Static)
            await until(pilot, lambda: re.search(r"CPU \d+ %, \d+ MiB", str(line.content)))
            assert "running, 12 s (median of 3 earlier runs 11.2 s)" in str(line.content)
        silent.kill()


async def test_operators_below_their_modules_filtered_and_with_their_source(until: Until, tmp_path: Path) -> None:
    source = tmp_path / "model.py"
    source.write_text("def forward(x):\n    return x\n")
    operators = (
        Operator(name="stem", module="stem", op="Transpose", total_cycles=70, needs={"Sram": 60}, bound="Sram"),
        Operator(name="stem", module="stem", op="Conv2D", total_cycles=20, line=f"{source}:2"),
        Operator(name="stem.act", module="stem.act", op="Clamp", total_cycles=0, fused_into=1),
        Operator(name="head.0", module="head.0", op="Conv2D", total_cycles=10),
    )
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    estimated = events.Estimated(
        t=fakes.T0, estimate=Estimate(total_cycles=100), partitions=(), operators=operators, tensors=()
    )
    fakes.append(directory, [estimated, *fakes.finished()])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "Conv2D +1" in seen(app))
        table = app.screen.query_one("OperatorsView FigureTable", FigureTable)

        def labels() -> list[str]:
            return [str(row.cells[0]) for row in table.rows]

        assert labels() == ["stem", "stem", "head.0"]
        await pilot.press("t")
        assert labels() == ["stem", "  Transpose", "  Conv2D+Clamp", "head.0"]
        assert [row.cells[2] for row in table.rows] == ["90", "70", "20", "10"]
        await pilot.press("o", "o")
        assert labels() == ["head.0", "stem", "  Conv2D+Clamp", "  Transpose"]
        await pilot.press("t", "f", *"clamp")
        assert labels() == ["stem"]
        await pilot.press("enter")
        assert app.focused is table
        assert "  model.py:2  " in text(app, "OperatorsView .detail")
        await pilot.press("f", "escape")
        assert len(labels()) == 3
        table.select("0")
        await until(pilot, lambda: "limited by SRAM 60" in text(app, "OperatorsView .detail"))
        await pilot.press("e")
        await until(pilot, lambda: "not known" in "".join(str(t.message) for t in app._notifications))


async def test_a_long_stage_shows_how_far_it_is(until: Until) -> None:
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    far = events.StageProgressed(t=fakes.T0 + 9, stage="lower", what="passes", done=34, total=147)
    fakes.append(directory, [events.StageStarted(t=fakes.T0 + 1, stage="lower"), far])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app) and "passes 34 of 147" in text(app, RunHeader))
        fakes.append(directory, [events.StageFinished(t=fakes.T0 + 99, stage="lower", status="ok", seconds=98.0)])
        await until(pilot, lambda: "lower 98.0" in text(app, Rail))
        assert "passes" not in text(app, RunHeader)


async def test_operators_of_one_cause_are_one_row(until: Until) -> None:
    def left(op: str, node: str, line: str) -> CpuOperator:
        reason = "the quantizer does not know aten.relu6"
        return CpuOperator(op=op, node=node, reason=reason, hint="nn.ReLU6()", root="aten.relu6", root_line=line)

    kept = (
        left("aten.hardtanh", "a", "m.py:3"),
        left("aten.hardtanh", "b", "m.py:5"),
        left("aten.view", "c", "m.py:5"),
    )
    rows = (OperatorDelegation(op="aten.hardtanh", npu=0, cpu=2), OperatorDelegation(op="aten.view", npu=0, cpu=1))
    delegation = Delegation(subgraphs=3, delegated_nodes=9, non_delegated_nodes=3, operators=rows, left=kept)
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    fakes.append(directory, [events.DelegationKnown(t=fakes.T0, delegation=delegation)])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("2", "z")
        await until(pilot, lambda: "aten.hardtanh +1" in seen(app))
        _, row = app.screen.query_one("DelegationPanel FigureTable", FigureTable).rows
        assert row.cells == ("▒ aten.hardtanh +1", "", "3", "", "the quantizer does not know aten.relu6")
        detail = text(app, "DelegationPanel .why")
        assert "aten.hardtanh x2, aten.view" in detail and "try   nn.ReLU6()" in detail
        assert "m.py:3 and 1 more line" in detail


async def test_what_stays_on_the_cpu_is_named_one_by_one_with_a_hint(until: Until) -> None:
    left = (
        CpuOperator(
            op="cortex_m.dequantize_per_tensor", node="d", reason="float around aten.topk on the CPU", conversion=True
        ),
        CpuOperator(
            op="aten.topk",
            node="topk",
            reason="Not included in BaseTOSASupportList",
            hint="the NPU cannot sort",
            inputs=("float32[1,512]",),
            outputs=("float32[1,32]", "int64[1,32]"),
            line="split.py:29",
            conversions=1,
        ),
    )
    rows = (
        OperatorDelegation(op="aten.topk", npu=0, cpu=1),
        OperatorDelegation(op="cortex_m.dequantize_per_tensor", npu=0, cpu=1),
        OperatorDelegation(op="aten.convolution", npu=2, cpu=0),
    )
    delegation = Delegation(subgraphs=2, delegated_nodes=2, non_delegated_nodes=2, operators=rows, left=left)
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    fakes.append(directory, [events.DelegationKnown(t=fakes.T0, delegation=delegation)])
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: read(app))
        await pilot.press("2", "z")
        await until(pilot, lambda: "aten.topk" in seen(app))
        table = app.screen.query_one("DelegationPanel FigureTable", FigureTable)
        assert [row.cells[0] for row in table.rows] == [
            "  stays on the CPU",
            "▒ aten.topk",
            "▒ cortex_m.dequantize_per_tensor",
            "  on the NPU",
            "■ aten.convolution",
        ]
        assert "CPU fallback: 1 operator, adds 1 conversion" in text(app, "DelegationPanel .head")
        detail = text(app, "DelegationPanel .why")
        for word in (
            "BaseTOSASupportList",
            "float32[1,512]",
            "float32[1,32], int64",
            "the NPU cannot sort",
            "split.py:29",
        ):
            assert word in detail


async def test_instructions_stand_beside_the_npus_cycles(until: Until) -> None:
    name, request = "20261123-051531-digits-u85-256-00cc", fakes.spec_of()
    quantize, handed = "cortex_m::quantize_per_tensor.out", "EthosUBackend"
    steps = (PlanStep(op=quantize, name="quantize", line="digits.py:7"), PlanStep(op=handed, name="part", partition=0))
    platform = PlatformInfo(kind="simulator", name="fvp-sim", engine="firmware", version="0.1.0")
    directory = fakes.make(
        name,
        request,
        [
            *fakes.begun(name, request),
            *fakes.compiled(),
            *fakes.booted(),
            events.PlatformStarted(platform=platform, pid=1),
            events.PlanKnown(steps=steps),
            events.InstructionsCounted(inference=0, boot=5_000_123, steps={0: 7_604}, running=1),
        ],
    )
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, lambda: "7,604" in seen(app))
        assert "SIMULATOR + firmware  instructions counted, cycles estimated" in text(app, RunHeader)
        assert "step 2 of 2: part" in text(app, ".running")
        assert "now" in seen(app)
        last = [
            events.InstructionsCounted(inference=0, boot=5_000_123, execute=11_595, steps={1: 3_906}),
            *fakes.inferred(),
        ]
        fakes.append(directory, last)
        await until(pilot, lambda: "11,595 instructions per inference" in " ".join(text(app, ".figures").split()))
        assert "3,906 of them to start the NPU" in " ".join(text(app, ".figures").split())
        assert "5,000,123 to boot and load" in " ".join(text(app, ".figures").split())
