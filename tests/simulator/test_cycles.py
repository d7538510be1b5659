"""The cycle model against Vela's own figures, and what is said where there are none."""

import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from tests import models
from tests.conftest import Ran, environment
from tests.simulator import programs
from tui import vela
from tui.simulator.ethosu85 import CommandStreamError, Stream, cycles
from tui.simulator.ethosu85.cycles import Port

RanModel = Callable[..., Ran]

TOLERANCE = 0.01


def ports(system: vela.MemorySystem) -> cycles.Ports:
    areas = {0: system.constants, 1: system.arena, 2: system.cache}
    return {n: Port(a.read_latency, a.write_latency, a.burst_length, a.bandwidth) for n, a in areas.items()}


@pytest.mark.parametrize("model", models.ALL)
def test_npu_cycles_are_velas(model: str, ran: RanModel) -> None:
    one = ran(model)
    total = 0
    for part in programs.parts_of_run(one.artifacts):
        engine = part.load()
        flags = engine.compile_flags
        system = vela.memory_system(flags["--system-config"], flags["--memory-mode"])
        total += sum(cost.cycles for cost in cycles.estimate(engine.stream, ports(system)))
    assert math.isclose(total, one.state["estimate"]["npu_cycles"], rel_tol=TOLERANCE)
    assert [inference["npu_cycles"] for inference in one.state["inferences"]] == [total]


@pytest.mark.parametrize("model", models.ALL)
def test_macs_are_velas(model: str, ran: RanModel) -> None:
    one = ran(model)
    everywhere = {n: Port(1.0, 1.0, 64, 16.0) for n in range(8)}
    total = sum(
        cost.macs
        for part in programs.parts_of_run(one.artifacts)
        for cost in cycles.estimate(part.load().stream, everywhere)
    )
    assert math.isclose(total, one.state["estimate"]["macs"], rel_tol=TOLERANCE)


def test_slower_memory_takes_no_fewer_cycles(ran: RanModel) -> None:
    (part,) = programs.parts_of_run(ran("sample:digits").artifacts)
    stream = part.load().stream
    totals = [
        sum(cost.cycles for cost in cycles.estimate(stream, {n: Port(wait, wait, 64, 16.0) for n in range(3)}))
        for wait in (1.0, 32.0, 500.0)
    ]
    assert totals == sorted(totals)
    assert totals[0] < totals[-1]


def test_a_memory_that_is_not_known_is_an_error_that_names_the_command(ran: RanModel) -> None:
    (part,) = programs.parts_of_run(ran("sample:digits").artifacts)
    with pytest.raises(CommandStreamError, match=r"command \d+ .*region 1"):
        cycles.estimate(part.load().stream, {0: Port(1.0, 1.0, 64, 16.0)})


def test_an_empty_stream_costs_nothing() -> None:
    empty = Stream(256, 0x20000008, 0, np.zeros(0, np.uint32))
    assert cycles.estimate(empty, {}) == []


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
