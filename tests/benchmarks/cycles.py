"""``python -m tests.benchmarks.cycles [MODEL...]``: the simulator's cycle model against Vela's own estimate.

A model is exported and lowered once, and Vela run on it for each number of MACs. Printed are the simulator's total and
Vela's, both with waiting for memory, and their ratio; then the same of the NPU alone. All of them are estimates.
"""

import contextlib
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks.__main__ import compiled
from tui.simulator import cycle_model as model
from tui.simulator.ethosu85 import cycles, timeline
from tui.simulator.npu import parse
from tui.toolchain import vela
from tui.toolchain.boards import ETHOS_U85
from tui.toolchain.target import Target

MODELS = (
    "sample:mobilenet_v2",
    "executorch:mobilenet_v1_025",
    "executorch:resnet8",
    "executorch:ds_cnn",
    "sample:transformer",
)


@dataclass(frozen=True)
class Figures:
    """Cycles of one inference: of the NPU's own work, and in all."""

    npu: int
    total: int

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.npu + other.npu, self.total + other.total)


def compare(graph: Path, macs: int, memory_mode: str = Target().memory_mode) -> tuple[Figures, Figures]:
    """(the simulator's, Vela's) figures of a TOSA graph that is compiled for an NPU with `macs`."""
    system = Target().system_config
    with tempfile.TemporaryDirectory() as place:
        arguments = [
            str(graph),
            f"--accelerator-config=ethos-u85-{macs}",
            f"--config={vela.CONFIG}",
            f"--system-config={system}",
            f"--memory-mode={memory_mode}",
            "--output-format=raw",
            f"--output-dir={place}",
        ]
        command = [sys.executable, "-c", "from ethosu.vela import vela; vela.main()", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with next(Path(place).glob("*_summary_*.csv")).open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        with np.load(next(Path(place).glob("*_vela.npz")), allow_pickle=False) as data:
            stream = parse(data["cmd_data"].tobytes())
    costs = cycles.estimate(stream, model.ports(vela.memory_system(system, memory_mode)))
    ours = Figures(sum(cost.cycles for cost in costs), timeline.end(stream, costs))
    return ours, Figures(round(float(row["cycles_npu"])), round(float(row["cycles_total"])))


def graphs(artifacts: Path) -> list[Path]:
    """The TOSA graphs of a run's delegates."""
    return sorted((artifacts / "vela").glob("partition-*/model.tosa"))


def rows(models: list[str]) -> Iterator[str]:
    """A line for each model and number of MACs."""
    with tempfile.TemporaryDirectory() as home:
        for name in models:
            found = graphs(compiled(name, Path(home)))
            for macs in ETHOS_U85.macs:
                ours = velas = Figures(0, 0)
                for graph in found:
                    one, other = compare(graph, macs)
                    ours, velas = ours + one, velas + other
                yield (
                    f"{name:28} {macs:5} {ours.total:11,} {velas.total:11,} {ours.total / velas.total:8.3f}"
                    f"   {ours.npu:11,} {velas.npu:11,} {ours.npu / velas.npu:8.3f}"
                )


def main(models: list[str]) -> None:
    """Print the table."""
    print(f"{'cycles of one inference':28} {'MACs':>5} {'total':>11} {'Vela':>11} {'ratio':>8}", end="   ")
    print(f"{'NPU alone':>11} {'Vela':>11} {'ratio':>8}", flush=True)
    for row in rows(models):
        print(row, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        main(sys.argv[1:] or list(MODELS))
