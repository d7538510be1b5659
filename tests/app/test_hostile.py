"""Text from outside - names, paths, log, reasons - neither crashes the program nor reaches the terminal as control."""

from collections.abc import Callable

import msgspec
import pytest
from rich.cells import cell_len

from tests.app import fakes
from tests.app.conftest import Until
from tests.screen import screen_lines
from tui.app.screens.history import HistoryScreen
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.command_line import CommandLine
from tui.app.widgets.table import FigureTable
from tui.run import events
from tui.run.check import Check
from tui.run.delegation import CpuOperator, Delegation, Kernel, OperatorDelegation
from tui.run.events import Event
from tui.run.figures import Artifact, Operator, PlanStep, PlatformInfo, TensorPlace

CONTROLS = [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))]

TEXTS = [
    fakes.HOSTILE,
    "[/foo][bold][@click=app.quit]x",
    "".join(CONTROLS),
    "\x1b[2J\x1b]0;title\x07\x1bc\x1bP1$r\x1b\\ end",
    "漢字" * 200,
    "e\u0301\u0301\u0301 👩‍👩‍👧 \u202eevil\u2028next",
    "x" * 1_000_000,
    "",
    " ",
    "\ud800 lone",
]


def hostile_tensors(text: str) -> tuple[TensorPlace, ...]:
    """Two tensors, one with a module and one without."""
    unnamed = TensorPlace(
        name=text, memory=text, usage=text, start=0, end=3, address=0, bytes=4096, dtype=text, format=text
    )
    return unnamed, msgspec.structs.replace(unnamed, module=text, address=4096, end=9)


def hostile_events(name: str, text: str) -> list[Event]:
    """A run in which everything that can be text is this text."""
    request = fakes.spec_of(f"/tmp/{text[:200]}.py")
    estimated = next(e for e in fakes.compiled() if isinstance(e, events.Estimated))
    operator = Operator(name=text, op=text, npu_cycles=10, total_cycles=12, line=text, time=0)
    shapes = {"ifm_shape": (1, 3, 8, 8), "ofm_shape": (1, 8, 8, 3)}
    turned = Operator(name=text, op="Transpose", npu_cycles=10, total_cycles=12, line=text, **shapes)
    found = OperatorDelegation(op=text, npu=1, cpu=1, reason=text, line=text)
    left = CpuOperator(op=text, node=text, reason=text, hint=text, inputs=(text,), outputs=(text,), line=text)
    delegation = Delegation(
        subgraphs=1,
        delegated_nodes=1,
        non_delegated_nodes=1,
        operators=(found,),
        kernels=(Kernel(op=text, calls=1),),
        left=(left,),
    )
    return [
        *fakes.begun(name, request, alive=False),
        events.DelegationKnown(t=1.0, delegation=delegation),
        msgspec.structs.replace(estimated, operators=(operator, turned), tensors=hostile_tensors(text)),
        events.PlanKnown(t=1.0, steps=(PlanStep(op=text, name=text), PlanStep(op=text, name=text, partition=0))),
        events.ArtifactWritten(t=1.0, artifact=Artifact(name=text, path=text, bytes=1, sha256="")),
        events.PlatformStarted(
            t=1.0, platform=PlatformInfo(kind="simulator", name=text, version=text, why=text, argv=(text,)), pid=1
        ),
        events.PhaseChanged(t=1.0, phase=text),
        *fakes.inferred(),
        events.Checked(t=1.0, check=Check(status="skipped", reason=text)),
        events.Noted(t=1.0, text=text),
        events.StageFinished(t=1.0, stage="lower", status="skipped", seconds=1.0, reason=text),
        *fakes.log([text, text], "warning", source=text),
        *fakes.finished("failed", text, text, 1),
    ]


@pytest.mark.parametrize("number", range(len(TEXTS)))
async def test_hostile_text_is_only_text(number: int, until: Until) -> None:
    name = "20261123-111531-hostile-u85-256-0bad"
    directory = fakes.make(name, fakes.spec_of(), hostile_events(name, TEXTS[number]))
    app = FvpApp(attach=directory)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        shown = []
        for key in ("1", "2", "3", "4", "5", "L", "6", "down", "down"):
            await pilot.press(key)
            shown += screen_lines(app)
        await pilot.press("slash", "x", "enter", "h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        shown += screen_lines(app)
        assert not {c for line in shown for c in line} & set(CONTROLS)
        assert all(cell_len(line) <= 80 for line in shown)


def going_on(name: str, text: str) -> list[Event]:
    """A run under way whose stage at work tells this text."""
    return [
        *fakes.begun(name, fakes.spec_of()),
        events.StageStarted(t=fakes.T0, stage="lower"),
        events.StageProgressed(t=fakes.T0 + 1, stage="lower", what=text, done=1, total=9),
    ]


def broken_off(name: str, text: str) -> list[Event]:
    """A run of which nothing is known but that it failed, for this reason at this line."""
    return [
        *going_on(name, text),
        events.StageFinished(t=fakes.T0 + 2, stage="lower", status="failed", seconds=2.0, reason=text, line=text),
        *fakes.finished("failed", f"lower: {text}", text, 1),
    ]


@pytest.mark.parametrize("what", [going_on, broken_off])
@pytest.mark.parametrize("size", [(60, 20), (120, 40)])
async def test_hostile_text_of_a_run_that_goes_on_or_failed_is_only_text(
    size: tuple[int, int], what: Callable[[str, str], list[Event]], until: Until
) -> None:
    for number, text in enumerate(TEXTS):
        name = f"20261123-1115{number:02}-hostile-u85-256-0bad"
        app = FvpApp(attach=fakes.make(name, fakes.spec_of(), what(name, text)))
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda app=app: isinstance(app.screen, RunScreen) and app.screen.state)
            await pilot.pause()
            shown = screen_lines(app)
            assert any("Stages" in line or "Why" in line for line in shown)
            assert not {c for line in shown for c in line} & set(CONTROLS)
            assert all(cell_len(line) <= size[0] for line in shown)


async def test_hostile_names_of_runs_and_files(until: Until) -> None:
    name = "20261123-\x1b[31m[b]-x"
    fakes.make(name, fakes.spec_of(f"/tmp/{fakes.HOSTILE.replace(chr(0), '')}.py"), fakes.finished())
    app = FvpApp(model="no [/such] \x1b[2J model")
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: any("bold" in row.key for row in app.screen.query_one(FigureTable).rows))
        assert "no [/such]" in app.screen.query_one(CommandLine).problem
        app.screen.query_one(FigureTable).select(
            next(row.key for row in app.screen.query_one(FigureTable).rows if "bold" in row.key)
        )
        await pilot.press("enter", "h")
        await until(pilot, lambda: isinstance(app.screen, HistoryScreen) and app.screen.query_one(FigureTable).rows)
        await pilot.press("d", "y")
        await until(pilot, lambda: not app.screen.query(FigureTable) or not app.screen.query_one(FigureTable).rows)
