"""The Network panel: a cursor on the ribbon, groups that open, and what is under the cursor in words."""

from collections.abc import Callable

from tests.app import fakes
from tests.app.conftest import Until, shown
from tests.app.networks import divided, mobilenet, network, partitions, transformer
from tests.screen import screen_lines
from tui.app.screens.root import FvpApp
from tui.app.screens.run import RunScreen
from tui.app.widgets.delegation import DelegationPanel
from tui.app.widgets.execution import ExecutionPanel
from tui.app.widgets.ribbon import Ribbon
from tui.app.widgets.table import FigureTable


def panel(app: FvpApp) -> DelegationPanel:
    return app.screen.query_one(DelegationPanel)


def ribbon(app: FvpApp) -> Ribbon:
    return panel(app).query_one(Ribbon)


def read(app: FvpApp) -> Callable[[], object]:
    return lambda: isinstance(app.screen, RunScreen) and app.screen.state


async def test_the_cursor_walks_the_network_and_says_what_is_under_it(until: Until) -> None:
    app = FvpApp(attach=fakes.whole())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        # Without the focus there is no cursor, and the foot is the legend.
        assert "▲" not in shown(ribbon(app)) and "CPU, time not known" in panel(app).words
        await pilot.press("2")
        await until(pilot, lambda: "▲" in shown(ribbon(app)))
        assert "cortex_m::quantize_per_tensor.out  on the CPU  time not known" in panel(app).words
        await pilot.press("right", "right")
        assert "features.2  Conv2D  1,980 cycles  46%  MAC use 58%  digits.py:36" in panel(app).words
        await pilot.press("left")
        assert "features.0  Conv2D  540 cycles  12%" in panel(app).words
        # Enter goes to its row in the time of all operators.
        await pilot.press("enter")
        table = app.screen.query_one("OperatorsView FigureTable", FigureTable)
        assert app.focused is table and table.current is not None and table.current.cells[0] == "features.0"
        assert "▲" not in shown(ribbon(app))


async def test_twelve_blocks_are_twelve_groups_that_open_and_close(until: Until) -> None:
    app = FvpApp(attach=network(transformer()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        await pilot.press("2")
        await until(pilot, lambda: ribbon(app).pointed)
        names = [block.name for block in ribbon(app).blocks]
        assert names == [f"encoder.layers.{block} x12" for block in range(12)]
        assert all(block.cells >= 5 for block in ribbon(app).blocks)
        await pilot.press("right", "enter")
        assert ribbon(app).window == (12, 24)
        # Part of a partition has not all of its cycles.
        assert "─ P0 ─" in shown(ribbon(app)) and "P0 2" not in shown(ribbon(app))
        assert next(block.name for block in ribbon(app).blocks) == "encoder.layers.1.attn.0"
        await pilot.press("right", "minus")
        assert ribbon(app).window is None
        await pilot.press("plus", "escape")
        assert ribbon(app).window is None and isinstance(app.screen, RunScreen)
        # At the end of a group the next one follows.
        await pilot.press("enter", *["right"] * 12)
        assert ribbon(app).window == (24, 36)


async def test_a_mobilenet_is_grouped_by_its_blocks_and_what_is_slow_stays_alone(until: Until) -> None:
    app = FvpApp(attach=network(mobilenet()))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        await until(pilot, lambda: ribbon(app).blocks)
        names = [block.name for block in ribbon(app).blocks]
        assert names[:3] == ["features.0.0", "features.1.conv.0..1 x2", "features.1.conv.2"]
        assert names[-2:] == ["features.17.conv.0..2 x3", "classifier.1"] and len(names) <= 26
        assert all(block.cells >= 3 for block in ribbon(app).blocks)


async def test_thirty_four_partitions_are_walked_and_looked_at_closely(until: Until) -> None:
    operators, steps = partitions(34)
    app = FvpApp(attach=network(operators, steps))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        await pilot.press("2")
        await until(pilot, lambda: ribbon(app).pointed)
        assert len(ribbon(app).blocks) == 67 and {b.name for b in ribbon(app).blocks if b.side == "cpu"} == {"topk"}
        await pilot.press("right", "enter")  # a conversion, the kernel, a conversion
        assert ribbon(app).window is not None
        assert [block.name for block in ribbon(app).blocks] == ["dq", "topk", "q"]
        await pilot.press("right")
        assert "aten::topk.values  on the CPU  time not known  net.py:1" in panel(app).words
        await pilot.press("minus", "left", "plus", "plus")
        assert len({block.name for block in ribbon(app).blocks}) >= 2


async def test_table_and_ribbon_point_at_the_same_operator(until: Until) -> None:
    app = FvpApp(attach=divided())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        await pilot.press("2", "z")
        await until(pilot, lambda: panel(app).is_full and isinstance(app.focused, FigureTable))
        await pilot.press("down")
        here, why = (panel(app).query_one(name) for name in (".here", ".why"))
        await until(pilot, lambda: "aten::atan2.out  on the CPU" in shown(here))
        assert all(word in shown(why) for word in ("aten.atan2", "no such table", "try   use a table", "float32[1,5]"))
        await pilot.press(*["left"] * 4)
        assert "topk.values" in shown(here) and "the NPU cannot sort" in shown(why)
        assert "3 CPU nodes  3 partitions" in panel(app).words and "↓" in shown(ribbon(app))

        def marked() -> list[str]:
            drawn = screen_lines(app)
            return [line for line in drawn if "▌ ▒" in line]

        # The row is drawn as the one under the cursor, and no other.
        await until(pilot, lambda: len(marked()) == 1 and "▌ ▒ aten.topk" in marked()[0])


async def test_what_is_at_work_is_lit_what_is_to_come_is_not(until: Until) -> None:
    name, request = "20261123-061531-digits-u85-256-dddd", fakes.spec_of()
    what = [*fakes.begun(name, request), *fakes.compiled(), *fakes.booted(), *fakes.traced({0: 7}, 1)]
    app = FvpApp(attach=fakes.make(name, request, what))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, read(app))
        await until(pilot, lambda: ribbon(app).size.height == 3 and ribbon(app).blocks)
        ground = {
            segment.text.strip(): segment.style.bgcolor
            for segment in ribbon(app).render_line(0)
            if segment.style is not None
        }
        colors = app.theme_variables
        grounds = {word: str(color.name).lower() for word, color in ground.items() if color is not None}
        assert grounds["features.2"] == colors["accent"].lower() and grounds["features.0"] == colors["npu-2"].lower()
        assert grounds["features.5"] == grounds["dq"] == colors["raised"].lower()


async def test_a_network_without_a_plan_has_a_cursor_that_opens_rows(until: Until) -> None:
    app = FvpApp(attach=network(transformer()[:4]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, read(app))
        await pilot.press("2")
        await until(pilot, lambda: ribbon(app).pointed)
        await pilot.press("end", "right", "enter")
        assert app.screen.query_one(ExecutionPanel).display
        table = app.screen.query_one("OperatorsView FigureTable", FigureTable)
        assert table.current is not None and table.current.key == "1"
