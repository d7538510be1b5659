"""The cycle model against Vela's own figures, and what is said where there are none."""

import math
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests import models
from tests.benchmarks.cycles import compare, graphs
from tests.conftest import Ran, environment
from tests.simulator import programs
from tui.simulator import cycle_model as delegates
from tui.simulator.ethosu import timeline
from tui.simulator.ethosu.costs import Cost
from tui.simulator.ethosu.errors import CommandStreamError
from tui.simulator.ethosu.memory_ports import LUT_RAM, Port, Ports
from tui.simulator.ethosu.stream import Stream
from tui.simulator.ethosu85 import cycles
from tui.simulator.ethosu85.registers import COMMANDS
from tui.toolchain import vela
from tui.toolchain.boards import ETHOS_U85
from tui.toolchain.target import on_board_of

RanModel = Callable[..., Ran]

NPU_TOLERANCE = 0.001
TOTAL_TOLERANCE = 0.1
EVENTS = [
    "ETHOSU_PMU_SRAM_RD_DATA_BEAT_RECEIVED",
    "ETHOSU_PMU_SRAM_WR_DATA_BEAT_WRITTEN",
    "ETHOSU_PMU_EXT_RD_DATA_BEAT_RECEIVED",
    "ETHOSU_PMU_EXT_WR_DATA_BEAT_WRITTEN",
    "ETHOSU_PMU_MAC_ACTIVE",
]


def ports(mode: str = "Sram_Only") -> Ports:
    return delegates.ports(vela.memory_system("Ethos_U85_SYS_DRAM_Mid", mode))


def stream_of(one: Ran) -> Stream:
    (part,) = programs.parts_of_run(one.artifacts)
    return part.load().stream


def modelled(one: Ran) -> list[tuple[Stream, Sequence[Cost]]]:
    """The delegates of a run with the cost of each of their passes."""
    found = []
    for part in programs.parts_of_run(one.artifacts):
        engine = part.load()
        costs = delegates.modelled(engine)
        assert not isinstance(costs, str)
        found.append((engine.stream, costs.costs))
    return found


@pytest.mark.parametrize("model", models.ALL)
def test_cycles_are_velas_and_what_the_program_reports(model: str, ran: RanModel) -> None:
    one = ran(model)
    found = modelled(one)
    npu = sum(cost.cycles for _, costs in found for cost in costs)
    total = sum(timeline.end(stream, costs) for stream, costs in found)
    assert math.isclose(npu, one.state["estimate"]["npu_cycles"], rel_tol=NPU_TOLERANCE)
    assert math.isclose(total, one.state["estimate"]["total_cycles"], rel_tol=TOTAL_TOLERANCE)
    assert [inference["npu_cycles"] for inference in one.state["inferences"]] == [total]


@pytest.mark.parametrize("macs", ETHOS_U85.macs)
def test_cycles_are_velas_for_every_npu(macs: int, ran: RanModel) -> None:
    (graph,) = graphs(ran("sample:transformer").artifacts)
    ours, velas = compare(graph, on_board_of(ETHOS_U85.accelerator_of(macs)))
    assert math.isclose(ours.npu, velas.npu, rel_tol=NPU_TOLERANCE)
    assert math.isclose(ours.total, velas.total, rel_tol=TOTAL_TOLERANCE)


@pytest.mark.parametrize("model", models.ALL)
def test_macs_are_velas(model: str, ran: RanModel) -> None:
    one = ran(model)
    macs = sum(cost.macs for _, costs in modelled(one) for cost in costs)
    assert math.isclose(macs, one.state["estimate"]["macs"], rel_tol=0.01)
    assert all(0 <= cost.utilization <= 1 for _, costs in modelled(one) for cost in costs)


def test_events_are_the_beats_of_all_that_is_moved(ran: RanModel) -> None:
    one = ran("executorch:ds_cnn")
    (inference,) = one.state["inferences"]
    assert list(inference["pmu"]) == EVENTS
    read, written, external_read, external_written, active = inference["pmu"].values()
    ((stream, costs),) = modelled(one)
    moved = [t for cost in costs for t in cost.traffic if t.port != LUT_RAM]
    # A beat holds 16 bytes at most.
    assert sum(t.moved for t in moved if not t.write) / 16 <= read <= sum(t.bus for t in moved if not t.write)
    assert sum(t.moved for t in moved if t.write) / 16 <= written
    assert (external_read, external_written) == (0, 0)
    assert 0 < active < timeline.end(stream, costs)


def test_everything_is_read_from_the_memory_it_lies_in(ran: RanModel) -> None:
    stream = stream_of(ran("executorch:resnet8"))
    together, apart = (cycles.estimate(stream, ports(mode)) for mode in ("Sram_Only", "Shared_Sram"))
    assert {t.port.name for cost in together for t in cost.traffic} == {"Sram"}
    for cost in apart:
        for transfer in cost.traffic:
            assert transfer.port.name == ("Sram" if transfer.use == "features" else "Dram")
        assert set(cost.access) == {t.port.name for t in cost.traffic}
        assert cost.total == max(cost.cycles, *cost.access.values())
    assert sum(t.moved for c in together for t in c.traffic) == sum(t.moved for c in apart for t in c.traffic)


def test_slower_memory_takes_longer_and_is_what_bounds(ran: RanModel) -> None:
    stream = stream_of(ran("sample:digits"))
    totals = []
    for bandwidth in (64.0, 1.0, 0.01):
        costs = cycles.estimate(stream, {n: Port(8.0, 8.0, 64, bandwidth, "slow") for n in range(3)})
        totals.append(timeline.end(stream, costs))
    assert totals == sorted(totals)
    assert totals[0] < totals[-1]
    assert {cost.bound_by for cost in costs} == {"slow"}
    waiting = cycles.estimate(stream, {n: Port(500.0, 500.0, 64, 64.0) for n in range(3)})
    assert timeline.end(stream, waiting) > totals[0]


def test_a_memory_that_is_not_known_is_an_error_that_names_the_command(ran: RanModel) -> None:
    with pytest.raises(CommandStreamError, match=r"command \d+ .*region 1"):
        cycles.estimate(stream_of(ran("sample:digits")), {0: Port(1.0, 1.0, 64, 16.0)})


def test_an_empty_stream_costs_nothing() -> None:
    empty = Stream(0x20000008, 0, np.zeros(0, np.uint32), COMMANDS)
    assert cycles.estimate(empty, {}) == []
    assert timeline.end(empty, []) == 0


def setting(opcode: int, value: int, *, wide: bool = False) -> list[int]:
    return [opcode | 1 << 14, value] if wide else [opcode | value << 16]


COPY = [*setting(305, 1), *setting(50, 4096, wide=True), 16]
"""DMA_START of 4096 bytes from region 0 to region 1."""

POOL = [*setting(273, 63), *setting(274, 63), *setting(275, 15), *setting(260, 15), *setting(271, 1), 5]
WAIT_FOR_COPY, STOP = 17, 0


def test_a_copy_runs_beside_a_pass_that_does_not_wait_for_it() -> None:
    def end(*words: int) -> int:
        stream = Stream(0x20000008, 0, np.array([*words, STOP], np.uint32), COMMANDS)
        return timeline.end(stream, cycles.estimate(stream, ports()))

    copy, work = end(*COPY), end(*POOL)
    assert min(copy, work) > 0
    assert end(*COPY, *POOL) == max(copy, work)
    assert end(*COPY, WAIT_FOR_COPY, *POOL) == copy + work
    assert end(*COPY, *POOL, WAIT_FOR_COPY, *POOL) == max(copy, work) + work
    assert end(*COPY, *COPY, WAIT_FOR_COPY, *POOL) == 2 * copy + work


@pytest.mark.parametrize("fast", [False, True])
def test_fast_leaves_the_figures_out_and_says_so(fast: bool, ran: RanModel) -> None:
    arguments = [] if not fast else ["-C", "mps4_board.subsystem.ethosu.extra_args='--fast'"]
    program = ran("sample:digits").artifacts / "model.pte"
    done = subprocess.run(
        [sys.executable, "-m", "tui.simulator", *arguments, "--data", f"{program}@0x70000000", "--stat"],
        env=environment(program.parent),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("no PMU report: --fast leaves out the cycle model" in done.stdout) == fast
    assert ("ethosu_pmu_cycle_cntr" in done.stdout) != fast
    assert ("Simulated time" in done.stdout) != fast
    assert "Wall time" in done.stdout
