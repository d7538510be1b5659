"""``python -m tests.benchmarks.cycles [--npu FAMILY] [MODEL...]``: the simulator's cycles against Vela's own estimate.

A model is exported and lowered once, and Vela run on it for each size of the family, in each of its memory modes for a
U55, where U65 is meant, too. Printed are the simulator's total and Vela's, both with waiting for memory, and their
ratio; then the same of the NPU alone. All of them are estimates.
"""

import argparse
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
from tests.models import ALL
from tui.simulator import cycle_model as model
from tui.simulator import npu
from tui.simulator.ethosu import timeline
from tui.toolchain import vela
from tui.toolchain.boards import ETHOS_U55, ETHOS_U65, ETHOS_U85
from tui.toolchain.target import Target, on_board_of

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


NONE = Figures(0, 0)


def compare(graph: Path, target: Target) -> tuple[Figures, Figures]:
    """(the simulator's, Vela's) figures of a TOSA graph that is compiled for a target."""
    with tempfile.TemporaryDirectory() as place:
        arguments = [
            str(graph),
            f"--accelerator-config={target.accelerator}",
            f"--config={vela.CONFIG}",
            f"--system-config={target.system_config}",
            f"--memory-mode={target.memory_mode}",
            "--output-format=raw",
            f"--output-dir={place}",
        ]
        command = [sys.executable, "-c", "from ethosu.vela import vela; vela.main()", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with next(Path(place).glob("*_summary_*.csv")).open(encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        with np.load(next(Path(place).glob("*_vela.npz")), allow_pickle=False) as data:
            stream = npu.parse(data["cmd_data"].tobytes())
    costs = npu.estimate(stream, model.ports(vela.memory_system(target.system_config, target.memory_mode)))
    ours = Figures(sum(cost.cycles for cost in costs), timeline.end(stream, costs))
    return ours, Figures(round(float(row["cycles_npu"])), round(float(row["cycles_total"])))


def graphs(artifacts: Path) -> list[Path]:
    """The TOSA graphs of a run's delegates."""
    return sorted((artifacts / "vela").glob("partition-*/model.tosa"))


def targets(family: str) -> list[Target]:
    """Every size of a family in its default memory mode; those of U55 and U65 in each that there is."""
    if family == ETHOS_U85.accelerator:
        return [on_board_of(accelerator) for accelerator in ETHOS_U85.accelerators]
    return [
        on_board_of(accelerator, memory_mode=mode)
        for kind in (ETHOS_U55, ETHOS_U65)
        for accelerator in kind.accelerators
        for mode in vela.memory_modes(kind.default_system_config)
    ]


def rows(models: list[str], family: str) -> Iterator[str]:
    """A line for each model and target."""
    wanted = targets(family)
    with tempfile.TemporaryDirectory() as home:
        for name in models:
            found = graphs(compiled(name, Path(home), wanted[0].accelerator))
            for target in wanted:
                ours = velas = NONE
                for graph in found:
                    one, other = compare(graph, target)
                    ours, velas = ours + one, velas + other
                yield (
                    f"{name:28} {target.accelerator:15} {target.memory_mode:21}"
                    f"{ours.total:11,} {velas.total:11,} {ours.total / velas.total:8.3f}"
                    f"   {ours.npu:11,} {velas.npu:11,} {ours.npu / velas.npu:8.3f}"
                )


def main(arguments: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cycles")
    parser.add_argument("models", nargs="*", metavar="MODEL")
    families = (ETHOS_U85.accelerator, ETHOS_U55.accelerator)
    parser.add_argument("--npu", choices=families, default=families[0], help=f"{families[1]}: U65, too")
    options = parser.parse_args(arguments)
    models = options.models or list(MODELS if options.npu == families[0] else ALL)
    print(f"{'cycles of one inference':66}{'total':>11} {'Vela':>11} {'ratio':>8}", end="   ")
    print(f"{'NPU alone':>11} {'Vela':>11} {'ratio':>8}", flush=True)
    for row in rows(models, options.npu):
        print(row, flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        main(sys.argv[1:])
