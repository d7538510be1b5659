"""The ribbon on the screen: text only as text, rows drawn only when they change, and room for what was there before."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.app import fakes
from tests.app.conftest import Until
from tests.app.networks import partitions
from tests.app.test_hostile import CONTROLS, TEXTS, hostile_events
from tests.screen import screen_lines
from tui import resources, themes
from tui.app import ascii
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets import delegation
from tui.app.widgets.delegation import DelegationPanel
from tui.app.widgets.paint import Paint
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.ribbon_pen import Pen, Phase
from tui.app.widgets.table import FigureTable
from tui.reports.ribbon import parts, unknown_words
from tui.reports.ribbon_layout import label, layout, spans
from tui.run import state
from tui.run.figures import Cpu, Operator, PlanStep
from tui.run.state import State

PHASES: tuple[Phase, ...] = ("rest", "work", "open", "cursor")

WORDS = st.text(max_size=12) | st.sampled_from([text[:300] for text in TEXTS])


class Alone(App[None]):
    """The panel that has the ribbon, and nothing else."""

    CSS_PATH = Path(delegation.__file__).with_name("widgets.tcss")

    def get_css_variables(self) -> dict[str, str]:
        dark = themes.read(resources.folder("themes") / "dark.toml")
        return super().get_css_variables() | themes.variables(dark, dark)

    def compose(self) -> ComposeResult:
        yield DelegationPanel(id="delegation", number=2)


def known() -> State:
    return state.fold_all(fakes.compiled())


def shown(app: App[None]) -> list[str]:
    ribbon = app.query_one(Ribbon)
    return [ribbon.render_line(y).text for y in range(ribbon.size.height)] if ribbon.display else []


def drawn(named: Sequence[str], width: int, *, plain: bool, ansi: bool) -> list[list[Segment]]:
    """All rows of a network whose operators, kernels and modules have these names."""
    operators = tuple(
        Operator(name=name, op=name, module=name, total_cycles=at * 7, partition=at % 2)
        for at, name in enumerate(named)
    )
    steps = tuple(PlanStep(op=name, name=name, partition=None if at % 2 else at // 2) for at, name in enumerate(named))
    found = parts(msgspec.structs.replace(state.EMPTY, operators=operators, cpu=Cpu(operators=steps)))
    blocks, pen = layout(found, width), Pen(Paint(Style(), {}, ansi=ansi, no_color=plain))
    phases: list[Phase] = [PHASES[at % len(PHASES)] for at in range(len(blocks))]
    total = sum(part.cycles or 0 for part in found)
    unknown = unknown_words(found, planned=True)
    return [
        pen.names(blocks, phases),
        pen.shares(blocks, phases, total),
        pen.words(blocks, phases, lambda block: label(block, 20)),
        pen.labels(blocks, len(blocks) // 2, width),
        pen.pointed(pen.brackets(spans(blocks), width), blocks, len(blocks) // 2),
        pen.handovers(blocks, width),
        pen.legend(unknown, 0),
    ]


@given(st.lists(WORDS, min_size=1, max_size=30), st.integers(1, 150), st.booleans(), st.booleans())
def test_text_from_outside_is_only_text_and_stays_in_its_cells(
    named: list[str], width: int, plain: bool, ansi: bool
) -> None:
    for row in drawn(named, width, plain=plain, ansi=ansi):
        text = "".join(segment.text for segment in row)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", text)
        assert not any(segment.control for segment in row)
    for row in drawn(named, width, plain=plain, ansi=ansi)[:-1]:
        assert sum(cell_len(segment.text) for segment in row) == width


class Plain(Alone):
    """A ribbon with everything, and nothing else."""

    def compose(self) -> ComposeResult:
        yield Ribbon(handovers=True)


async def test_operators_stand_in_running_order_with_their_shares_and_the_partition() -> None:
    app = Plain()
    async with app.run_test(size=(118, 40)) as pilot:
        app.query_one(Ribbon).take(known())
        await pilot.pause()
        names, shares, brackets, handovers, legend = shown(app)
        assert names.index("features.0") < names.index("features.2") < names.index("features.5") < names.index("dq")
        assert shares.startswith("▒▒▒▒▒") and shares.endswith("▒▒▒▒▒") and "46%" in shares
        assert brackets.strip().startswith("╰─") and "P0 4,321" in brackets
        assert handovers.index("↑") == brackets.index("╰") and handovers.index("↓") == brackets.index("╯") + 1
        assert legend.endswith("■ NPU, as wide as its cycles, at least a cell  ▒ CPU, time not known")


async def test_with_room_to_spare_the_blocks_tell_kind_and_cycles() -> None:
    app = Plain()
    async with app.run_test(size=(118, 40)) as pilot:
        ribbon = app.query_one(Ribbon)
        ribbon.take(known())
        ribbon.show_rows(brackets=True, handovers=True, taller=1)
        await pilot.pause()
        names, kinds, cycles, shares, *_ = shown(app)
        at = names.index("features.2")
        assert [row[at:].partition(" ")[0] for row in (kinds, cycles, shares)] == ["Conv2D", "1,980", "46%"]
        assert kinds.startswith("▒▒▒▒▒") and cycles.startswith("▒▒▒▒▒")


@pytest.mark.parametrize("width", [78, 118])
async def test_of_many_partitions_the_slowest_and_the_one_under_the_cursor_are_named(width: int) -> None:
    operators, steps = partitions(34)
    slow = tuple(
        msgspec.structs.replace(one, total_cycles=900) if one.partition in (9, 30) else one for one in operators
    )
    app = Plain()
    async with app.run_test(size=(width, 40)) as pilot:
        ribbon = app.query_one(Ribbon)
        ribbon.take(msgspec.structs.replace(state.EMPTY, operators=slow, cpu=Cpu(operators=steps)))
        ribbon.pointed = True
        ribbon.walk(5)
        await pilot.pause()
        names, shares, *_ = shown(app)
        block, others = ribbon.current, ribbon.blocks
        assert block is not None and block.name in names
        # Each begins above its block, or ends with the line.
        for named in ("m9.0..1 x2", "m30.0..1 x2"):
            at = next(at for at, other in enumerate(others) if other.name == named)
            assert names.index(named) == min(sum(other.cells for other in others[:at]), width - len(named))
        assert "%" in shares and len(names.rstrip()) <= width


async def test_without_the_plan_the_legend_says_that_the_cpus_place_is_not_known() -> None:
    app = Plain()
    async with app.run_test(size=(120, 40)) as pilot:
        app.query_one(Ribbon).take(msgspec.structs.replace(known(), cpu=Cpu()))
        await pilot.pause()
        assert "▒" not in shown(app)[1] and "place in the program is not known" in shown(app)[4]


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        ((120, 5), 3),
        ((80, 12), 3),
        ((60, 20), 4),
        ((80, 24), 4),
        ((100, 28), 6),
        ((120, 40), 8),
        ((200, 50), 8),
    ],
)
async def test_the_network_is_there_at_every_size_and_the_operators_where_they_have_room(
    size: tuple[int, int], rows: int
) -> None:
    app = Alone()
    async with app.run_test(size=size) as pilot:
        app.query_one(DelegationPanel).take(known())
        await pilot.pause()
        assert app.query_one(Ribbon).display and len(shown(app)) == rows
        table = app.query_one(FigureTable)
        assert (table.size.height >= 3) if size[1] > 10 else not app.query_one(".beside").display


async def test_the_operator_at_work_is_lit_and_only_its_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Alone()
    async with app.run_test(size=(120, 40)) as pilot:
        panel, ribbon = app.query_one(DelegationPanel), app.query_one(Ribbon)
        panel.take(known())
        await pilot.pause()
        rows = range(ribbon.size.height)
        before, regions = [ribbon.render_line(y) for y in rows], list[Region]()
        monkeypatch.setattr(ribbon, "refresh", lambda *parts, **_: regions.extend(parts))
        at_work = state.fold_all([*fakes.compiled(), *fakes.booted(), *fakes.traced({0: 7}, 1)])
        panel.take(at_work)
        assert {region.y for region in regions} == set(range(6))  # all rows of the blocks, and no other
        lit = [ribbon.render_line(y) for y in rows]
        assert [strip.text for strip in lit] == [strip.text for strip in before] and lit[0] != before[0]
        regions.clear()
        panel.redraw()
        assert not regions


async def test_of_a_partition_that_is_called_twice_the_call_at_work_is_lit() -> None:
    operators, plan = partitions(2)
    steps = (*plan, PlanStep(op="EthosUBackend", name="P0", partition=0))
    last = len(steps) - 1
    app = Plain()
    async with app.run_test(size=(118, 40)) as pilot:
        ribbon = app.query_one(Ribbon)
        accent = ribbon.paint().pill("accent").bgcolor

        async def lit(step: int | None, operator: int | None = None) -> list[str]:
            cpu = Cpu(operators=steps)
            known = msgspec.structs.replace(state.EMPTY, operators=operators, cpu=cpu)
            ribbon.take(msgspec.structs.replace(known, step_running=step, operator_running=operator))
            await pilot.pause()
            return [
                segment.text.strip()
                for segment in ribbon.render_line(0)
                if segment.style and segment.style.bgcolor == accent
            ]

        # Both calls run the same operators: only the plan tells them apart.
        assert await lit(0, 1) == ["m0.1"] and await lit(last, 1) == ["P0"]
        # Without the operator it is all of the partition that is at work.
        assert await lit(0) == ["m0.0", "m0.1"] and await lit(last) == ["P0"]
        assert await lit(2) == ["topk"] and await lit(None, 3) == ["m1.1"] and await lit(None) == []


async def test_neighbours_are_told_apart_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")
    app = Plain()
    async with app.run_test(size=(118, 40)) as pilot:
        app.query_one(Ribbon).take(known())
        await pilot.pause()
        names, shares, brackets, _, legend = (ascii.only(line) for line in shown(app))
        assert names.startswith("|q   |features.0") and "|features.2" in names
        assert shares.startswith("|::::|12%") and brackets.strip().startswith("+-")
        assert "# NPU" in legend and ": CPU, time not known" in legend and "?" not in names + shares + brackets + legend


async def test_two_networks_are_drawn_at_one_scale_without_brackets_or_legend() -> None:
    fast = msgspec.structs.replace(known(), operators=known().operators[:2])

    class Two(Alone):
        def compose(self) -> ComposeResult:
            yield Ribbon(brackets=False, legend=False, id="slow")
            yield Ribbon(brackets=False, legend=False, id="fast")

    app = Two()
    async with app.run_test(size=(100, 10)) as pilot:
        slow, quick = app.query_one("#slow", Ribbon), app.query_one("#fast", Ribbon)
        slow.take(known(), beside=(fast,))
        quick.take(fast, beside=(known(),))
        await pilot.pause()
        assert slow.size.height == quick.size.height == 2
        names = [ribbon.render_line(0).text for ribbon in (slow, quick)]
        # The same operator is as wide in both, and what is left of the faster one's width is empty.
        assert names[0].index("f4") - names[0].index("features.2") == 41
        assert names[1].index("dq") - names[1].index("features.2") == 41
        assert names[1].endswith(" " * 36)


@pytest.mark.parametrize("number", range(len(TEXTS)))
async def test_a_hostile_network_is_drawn_as_text(number: int, until: Until) -> None:
    name = "20261123-111531-hostile-u85-256-0bad"
    directory = fakes.make(name, fakes.spec_of(), hostile_events(name, TEXTS[number]))
    app = FvpApp(attach=directory)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.state)
        await pilot.press("2", "z")
        await until(pilot, lambda: app.screen.query_one("DelegationPanel Ribbon", Ribbon).size.height > 3)
        lines = screen_lines(app)
        assert any("2 Network" in line for line in lines) and any("▒▒▒" in line for line in lines)
        assert not {c for line in lines for c in line} & set(CONTROLS)
        assert all(cell_len(line) <= 120 for line in lines)
