"""The ribbon: every part once and in running order, as wide as it is slow, over exactly the width."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.test_operators import operators
from tui.reports.ribbon import Part, parts, unknown_words
from tui.reports.ribbon_layout import FIXED_CELLS, READABLE, Block, label, layout, scale, spans
from tui.run import state
from tui.run.figures import Cpu, Estimate, Operator, PlanStep
from tui.run.state import State

QUANTIZE, TOPK, DEQUANTIZE = (
    "cortex_m::quantize_per_tensor.out",
    "aten::topk.values",
    "cortex_m::dequantize_per_tensor.out",
)
MODULES = st.sampled_from([None, "", "a", "a.b.0", "a.b.1", "a.c", "d.0", "d.1"])


def part(side: str, cycles: int | None, partition: int | None, module: str | None, at: int) -> Part:
    return Part(side, f"n{at}", "Conv2D", cycles, partition, module, at)  # type: ignore[arg-type]


@st.composite
def networks(draw: st.DrawFn) -> list[Part]:
    """Partitions with work of the CPU between them."""
    found: list[Part] = []
    for partition in range(draw(st.integers(0, 12))):
        for _ in range(draw(st.integers(0, 4))):
            found.append(part("cpu", None, None, draw(MODULES), len(found)))
        for _ in range(draw(st.integers(1, 20))):
            cycles = draw(st.none() | st.just(0) | st.integers(0, 100_000))
            found.append(part("npu", cycles, partition, draw(MODULES), len(found)))
    return found


def steps(*ops: str | int) -> Cpu:
    return Cpu(
        operators=tuple(
            PlanStep(op="EthosUBackend", name=f"NPU partition {op}", partition=op)
            if isinstance(op, int)
            else PlanStep(op=op, name=op)
            for op in ops
        )
    )


def of(cpu: Cpu, *made: Operator) -> State:
    return msgspec.structs.replace(state.EMPTY, cpu=cpu, operators=made)


def text(blocks: tuple[Block, ...]) -> list[str]:
    return [f"{label(block, 20)} {block.cells}" for block in blocks]


@given(networks(), st.integers(1, 250))
def test_every_part_is_there_once_in_order_and_the_width_is_filled(found: list[Part], width: int) -> None:
    blocks = layout(found, width)
    assert [one for block in blocks for one in block.parts] == found
    assert sum(block.cells for block in blocks) == (width if found else 0)
    assert all(block.cells >= 1 for block in blocks)
    assert blocks == layout(found, width)


@given(networks(), st.integers(1, 250))
def test_a_part_is_about_as_wide_as_it_is_slow(found: list[Part], width: int) -> None:
    alone = [block for block in layout(found, width) if len(block.parts) == 1 and block.cycles is not None]
    for one in alone:
        for other in alone:
            if one.cycles > other.cycles:  # type: ignore[operator]
                assert one.cells >= other.cells - 1


@given(networks(), st.integers(1, 250))
def test_parts_of_unknown_time_are_never_wider_than_their_fixed_width_where_others_have_cycles(
    found: list[Part], width: int
) -> None:
    if sum(one.cycles or 0 for one in found):
        assert all(
            b.cells <= FIXED_CELLS for b in layout(found, width) if len(b.parts) == 1 and b.parts[0].cycles is None
        )


@given(networks(), st.integers(1, 250))
def test_partitions_are_stretches_that_do_not_overlap(found: list[Part], width: int) -> None:
    blocks = layout(found, width)
    stretches = spans(blocks)
    assert all(a.start + a.cells <= b.start for a, b in pairwise(stretches))
    assert all(span.start + span.cells <= width for span in stretches)
    # Blocks that hold both processors come only where there are more alternations than cells.
    if all(block.side != "both" and (block.side == "cpu" or block.stretch is not None) for block in blocks):
        assert [span.partition for span in stretches] == list(
            dict.fromkeys(p.partition for p in found if p.side == "npu")
        )


@given(operators(), st.booleans(), st.integers(1, 100))
def test_the_parts_of_a_state_are_its_operators_whatever_is_fused(
    made: tuple[Operator, ...], planned: bool, width: int
) -> None:
    known = of(steps(QUANTIZE, 0, TOPK, 1, "Free", DEQUANTIZE) if planned else Cpu(), *made)
    found = parts(known)
    leaders = [at for at, operator in enumerate(made) if operator.fused_into is None]
    assert sorted(one.operator for one in found if one.operator is not None) == leaders
    assert [one.name for one in found if one.side == "cpu"] == (["q", "topk", "dq"] if planned else [])
    assert sum(block.cells for block in layout(found, width)) == (width if found else 0)


def test_the_order_is_the_plans_with_the_cpus_work_between_the_partitions() -> None:
    made = (
        Operator(name="a.0", op="Transpose", module="a.0", total_cycles=600, macs=3),
        Operator(name="a.0", op="Conv2D", module="a.0", total_cycles=200, macs=9),
        Operator(name="a.1", op="Clamp", module="a.1", total_cycles=0, fused_into=1),
        Operator(name="b", op="FullyConnected", module="b", total_cycles=200, partition=1, macs=9),
    )
    found = parts(of(steps(QUANTIZE, 0, DEQUANTIZE, TOPK, QUANTIZE, 1, DEQUANTIZE), *made))
    assert text(layout(found, 60)) == ["q 4", "Transpose 24", "a.0 8", "dq 4", "topk 4", "q 4", "b 8", "dq 4"]
    assert [(s.partition, s.start, s.cells, s.cycles) for s in spans(layout(found, 60))] == [
        (0, 4, 32, 800),
        (1, 48, 8, 200),
    ]


def test_without_the_plan_only_the_npus_part_is_drawn() -> None:
    assert [one.side for one in parts(of(Cpu(), Operator(name="a", op="Add", total_cycles=1)))] == ["npu"]


def test_a_partition_without_operators_is_one_part_with_its_estimate() -> None:
    known = msgspec.structs.replace(of(steps(0, 1)), partitions=(Estimate(total_cycles=7),))
    assert [(one.name, one.cycles) for one in parts(known)] == [("P0", 7), ("P1", None)]


def test_a_network_on_the_cpu_alone_has_parts_of_one_width() -> None:
    assert text(layout(parts(of(steps(QUANTIZE, TOPK, DEQUANTIZE))), 60)) == ["q 20", "topk 20", "dq 20"]


def test_seven_hundred_operators_are_grouped_by_module() -> None:
    made = [part("npu", 100, 0, f"blocks.{at // 10}.{'ab'[at % 10 > 4]}", at) for at in range(700)]
    made.insert(300, part("npu", 30_000, 0, "head", 700))
    blocks = layout(made, 80)
    # Ten of a module have 0.6 of a cell: as many modules are one block as have room for a word.
    assert text(blocks)[0] == "blocks.0..6 x70 6"
    assert all(2 * block.cells >= READABLE for block in blocks) and sum(block.cells for block in blocks) == 80
    assert max(blocks, key=lambda block: block.cells).name == "n700"


def test_seventy_operators_are_grouped_within_their_modules() -> None:
    made = [part("npu", 100 if at % 7 else 10_000, 0, f"features.{at // 7}", at) for at in range(70)]
    assert text(layout(made, 80))[:4] == ["n0 7", "features.0 x6 1", "n7 7", "features.1 x6 1"]


def test_what_is_wide_enough_for_a_name_stays_alone_among_groups() -> None:
    made = [part("npu", 30_000 if at == 33 else 1_000, 0, f"layers.{at // 10}.fc", at) for at in range(100)]
    names = text(layout(made, 60))
    assert names[:3] == ["layers.0..1 x20 9", "layers.2.fc x10 5", "layers.3.fc x3 2"] and names[3] == "n33 14"
    assert len(names) < 12


def test_kernels_in_a_row_are_named_by_the_one_that_is_no_conversion() -> None:
    made = [one for p in range(40) for one in (part("npu", 9, p, "m", 0), *kernels("dq", "topk", "q"))]
    assert {block.name for block in layout(made, 80) if block.side == "cpu"} == {"topk"}
    assert Block(kernels("dq", "q", "q"), 1).name == "dq q" and Block(kernels("sort", "q", "topk"), 1).name == "sort +1"


def kernels(*names: str) -> tuple[Part, ...]:
    return tuple(Part("cpu", name, name) for name in names)


def test_a_partition_that_the_plan_calls_twice_counts_once() -> None:
    made = (
        Operator(name="a", op="Conv2D", total_cycles=600),
        Operator(name="b", op="Conv2D", total_cycles=200),
        Operator(name="c", op="Conv2D", total_cycles=200, partition=1),
    )
    for plan in ((0, 0, 1), (0, TOPK, 0, 1), (0, 1, 0)):
        known = parts(of(steps(*plan), *made))
        assert sum(one.cycles or 0 for one in known) == 1_000
        assert [(one.name, one.again) for one in known if one.side == "npu"].count(("P0", True)) == 1
        stretches = spans(layout(known, 60))
        assert [(s.partition, s.cycles) for s in stretches if not s.again] == [(0, 800), (1, 200)]
        assert [(s.partition, s.cycles, s.cells) for s in stretches if s.again] == [(0, None, FIXED_CELLS)]
        assert "called again: counted once" in unknown_words(known, planned=True)


@given(networks(), networks(), st.integers(40, 250))
def test_ribbons_at_one_scale_give_equal_cycles_equal_cells(one: list[Part], other: list[Part], width: int) -> None:
    scales = [known for found in (one, other) if (known := scale(found, width)) is not None]
    if not scales:
        return
    for found in (one, other):
        blocks = layout(found, width, max(scales))
        assert sum(block.cells for block in blocks) <= width
        assert [part for block in blocks for part in block.parts] == found
        for block in blocks:
            if block.cycles is not None and scale(found, width) is not None and len(blocks) * 2 < width:
                assert block.cells <= max(1, block.cycles * width / max(scales) + 1)


def test_thirty_four_partitions_all_have_their_cell_on_eighty_columns() -> None:
    made = [
        one
        for p in range(34)
        for one in (part("cpu", None, None, None, 2 * p), part("npu", 1_000 * (p + 1), p, f"l.{p}", 2 * p + 1))
    ]
    assert len(spans(layout(made, 80))) == 34
    assert sum(block.cells for block in layout(made, 20)) == 20


def test_a_name_that_does_not_fit_is_shortened_to_initials_before_it_is_cut() -> None:
    block = Block((Part("npu", "stages.0.path_a.3", "Conv2D"),), 1)
    assert [label(block, cells) for cells in (17, 16, 6, 3)] == ["stages.0.path_a.3", "s0.pa3", "s0.pa3", "s0."]
