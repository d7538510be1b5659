"""The cycle model of Ethos-U55 and U65: against Vela's own figures, and what holds of every program."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.benchmarks.cycles import Figures, compare, targets
from tests.simulator import damage, programs
from tests.simulator.programs import SMALL
from tui.pipeline import estimates
from tui.simulator import cycle_model, npu
from tui.simulator.cycle_model import Modelled
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu import timeline
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory_ports import LUT_RAM
from tui.simulator.parameters import Settings
from tui.toolchain import vela
from tui.toolchain.boards import CORSTONE_300_U55, ETHOS_U55, ETHOS_U65
from tui.toolchain.target import Target, on_board_of

FILES = sorted(file.stem for file in SMALL.glob("*.pte"))
ACCELERATORS = (*ETHOS_U55.accelerators, *ETHOS_U65.accelerators)
U55_CONVOLUTIONS = [f"conv_large-{accelerator}" for accelerator in ETHOS_U55.accelerators]
NPU_TOLERANCE = 0.001
TOTAL_TOLERANCE = 0.1
GRAPHS = ("conv", "conv_wide", "depthwise", "extremes", "matmul", "mean", "transposed")
"""Those without a table, whose load Vela's total leaves out where it belongs to another operator."""

PORTS = cycle_model.ports(vela.memory_system(ETHOS_U65.default_system_config, "Dedicated_Sram"))


def modelled(file: str) -> tuple[EthosU, Modelled]:
    name, _, accelerator = file.partition("-")
    (part,) = programs.parts_of_fixture(name, accelerator)
    engine = part.load()
    outcome = cycle_model.modelled(engine)
    assert not isinstance(outcome, str)
    return engine, outcome


def figures(graph: str, target: Target) -> tuple[Figures, Figures]:
    return compare(SMALL / f"{graph}.tosa", target)


@pytest.mark.parametrize("graph", GRAPHS)
def test_cycles_are_velas_for_every_operator(graph: str) -> None:
    ours, velas = figures(graph, on_board_of(ETHOS_U55.default_accelerator, memory_mode="Sram_Only"))
    assert math.isclose(ours.npu, velas.npu, rel_tol=NPU_TOLERANCE)
    assert math.isclose(ours.total, velas.total, rel_tol=TOTAL_TOLERANCE)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_cycles_are_velas_for_every_npu(accelerator: str) -> None:
    ours, velas = figures("conv_deep", on_board_of(accelerator, memory_mode="Sram_Only"))
    assert math.isclose(ours.npu, velas.npu, rel_tol=NPU_TOLERANCE)
    assert math.isclose(ours.total, velas.total, rel_tol=TOTAL_TOLERANCE)


def test_cycles_are_velas_where_weights_are_copied_in_slices() -> None:
    ours, velas = figures("conv", on_board_of(ETHOS_U55.default_accelerator))
    assert math.isclose(ours.total, velas.total, rel_tol=TOTAL_TOLERANCE)


def test_a_slice_adds_its_blocks_to_the_operators() -> None:
    _, outcome = modelled("conv-ethos-u55-64")
    first, second = (cost.work for cost in outcome.costs if cost.command.name == "CONV")
    assert first.edges > 0 and second.edges == 0
    # 19 channels in blocks of 16: the whole operator's 4,276 cycles, 532 of which read and write blocks at its ends.
    assert first.cycles - first.edges + second.cycles == 4276 - 532


@pytest.mark.parametrize("file", FILES)
def test_each_command_has_a_part_in_one_cost_and_takes_time(file: str) -> None:
    engine, outcome = modelled(file)
    places = [command.index for cost in outcome.costs for command in cost.commands]
    assert places == list(range(len(places)))
    assert all(cost.total > 0 and cost.macs >= 0 and 0 <= cost.utilization <= 1 for cost in outcome.costs)
    assert all(one.moved > 0 and one.bus > 0 and one.beats > 0 for cost in outcome.costs for one in cost.traffic)
    passes = sum(cost.total for cost in outcome.costs if not cost.copy_cycles)
    total = timeline.end(engine.stream, outcome.costs)
    assert passes <= total <= sum(cost.total for cost in outcome.costs)


@pytest.mark.parametrize("file", ["matmul-ethos-u55-128", "pools-ethos-u55-128"])
def test_operators_add_up_to_the_total(file: str) -> None:
    found = estimates.of_program((SMALL / f"{file}.pte").read_bytes())
    assert found.whole is not None
    assert sum(operator.total_cycles or 0 for operator in found.operators) == found.whole.total_cycles
    assert found.notes == ()


def test_a_transpose_and_a_matrix_multiplication_are_an_operator_each() -> None:
    _, outcome = modelled("matmul-ethos-u55-128")
    assert [cost.operation for cost in outcome.costs] == ["2 x POOL", "4 x ELEMENTWISE + POOL"]
    # 2 matrices of 3x8 and 8x4.
    assert [cost.macs for cost in outcome.costs] == [0, 2 * 3 * 8 * 4]
    # One after the other, where the second reads what the first wrote.
    _, outcome = modelled("permuted-ethos-u55-128")
    assert [cost.operation for cost in outcome.costs] == ["5 x POOL", "6 x POOL", "ELEMENTWISE"]


def test_a_larger_npu_is_not_slower() -> None:
    totals = [timeline.end(engine.stream, outcome.costs) for engine, outcome in map(modelled, U55_CONVOLUTIONS)]
    assert all(after < before for before, after in pairwise(totals))


def test_four_counters_have_the_familys_names() -> None:
    engine, outcome = modelled("conv-ethos-u55-128")
    found = cycle_model.model(Settings(CORSTONE_300_U55))(engine)
    assert not isinstance(found, str)
    assert found.npu == timeline.end(engine.stream, outcome.costs)
    assert found.seconds == found.npu / 500e6
    assert list(found.events) == [
        "ETHOSU_PMU_AXI0_RD_DATA_BEAT_RECEIVED",
        "ETHOSU_PMU_AXI1_RD_DATA_BEAT_RECEIVED",
        "ETHOSU_PMU_AXI0_WR_DATA_BEAT_WRITTEN",
        "ETHOSU_PMU_MAC_ACTIVE",
    ]
    assert min(found.events.values()) > 0 and found.events["ETHOSU_PMU_MAC_ACTIVE"] < found.npu
    moved = [one for cost in outcome.costs for one in cost.traffic if one.port != LUT_RAM and not one.write]
    # A beat of the U55 holds 8 bytes at most.
    assert sum(one.moved for one in moved) / 8 <= sum(list(found.events.values())[:2])


def test_every_size_of_both_has_its_memory_modes() -> None:
    modes = {npu_: {t.memory_mode for t in targets("ethos-u55") if t.accelerator == npu_} for npu_ in ACCELERATORS}
    assert all(modes[name] == {"Sram_Only", "Shared_Sram"} for name in ETHOS_U55.accelerators)
    assert all({"Sram_Only", "Dedicated_Sram_384KB"} < modes[name] for name in ETHOS_U65.accelerators)


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_stream_costs_something_or_is_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    for file in FILES[:: len(FILES) // 8]:
        engine, _ = modelled(file)
        damaged = replace(engine.stream, words=damage.spoilt(random, engine.stream.words))
        try:
            costs = npu.estimate(damaged, PORTS)
        except CommandStreamError as error:
            assert "command" in str(error)
        else:
            assert all(cost.total > 0 for cost in costs)


def test_the_family_is_that_of_the_stream() -> None:
    engine, _ = modelled("conv-ethos-u65-512")
    assert npu.kind(engine.stream) == ETHOS_U65
