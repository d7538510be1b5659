"""``python -m tests.benchmarks.inference [--model MODEL] [--target NPU] [--before CHECKOUT]``: on a busy machine, too.

Seconds of one inference on the simulator, loaded and warm: with one thread of BLAS, which `fvp-sim` sets, and with one
for each core; with no, one and two other processes that each keep a core busy; and of Arm's TOSA reference model with
the same graph and input. With another checkout, its figures stand beside ours. Each is measured in a process of its
own, all in turn; the medians are printed.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tests.benchmarks.__main__ import compiled
from tests.conftest import REPOSITORY
from tests.simulator.programs import parts_of_run
from tui.toolchain import boards

TURNS = 7
INFERENCES = 3
"""Inferences of a process in its turn; the reference model computes one."""

COMPETITORS = (0, 1, 2)
PAUSE_S = 0.2
"""Time between two turns, in which idle threads of BLAS stop waiting for work."""

ONE, ALL, REFERENCE = "one BLAS thread", "as many as cores", "TOSA reference model"

BUSY = "while True: pass"

TURN = """
sys.stdin.readline()  # asks for the warm-up
while True:
    taken = []
    for _ in range(int(sys.argv[2])):
        begun = time.perf_counter()
        infer()
        taken.append(time.perf_counter() - begun)
    print(json.dumps(taken), file=answers, flush=True)
    if not sys.stdin.readline():
        break
"""
"""End of both programs: seconds of some inferences, in a line of JSON for each line that comes in."""

BEGINNING = """
import json, os, sys, time
from pathlib import Path
import numpy as np
# The reference model greets on standard output with every call.
answers = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
folder = Path(sys.argv[1])
given = [list(np.load(file).values()) for file in sorted(folder.glob("inputs-*.npz"))]
"""

SIMULATOR = """
from tui.model import pte
from tui.simulator.delegate import EthosU
program = pte.parse((folder / "model.pte").read_bytes())
engines = [EthosU(delegate, program.named_data) for delegate in program.main.delegates]
inputs = [[array.reshape(-1).view(np.uint8) for array in arrays] for arrays in given]
outputs = [[np.zeros(port.nbytes, np.uint8) for port in engine.outputs] for engine in engines]
def infer():
    for engine, taken, made in zip(engines, inputs, outputs):
        engine.execute(taken, made)
"""

TOSA = """
import tosa_reference_model
graphs = [(folder / "vela" / f"partition-{number}" / "model.tosa").read_bytes() for number in range(len(given))]
def infer():
    for graph, arrays in zip(graphs, given):
        tosa_reference_model.run(graph, arrays, verbosity="NONE")
"""


class Measured:
    """A process that infers when it is asked to."""

    def __init__(self, program: str, artifacts: Path, inferences: int, threads: int, checkout: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(checkout)}
        env |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), str(threads))
        command = [sys.executable, "-c", BEGINNING + program + TURN, str(artifacts), str(inferences)]
        self._process = subprocess.Popen(
            command, env=env, cwd=artifacts, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.turn()

    def turn(self) -> list[float]:
        """Seconds of each inference of a turn."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        taken: list[float] = json.loads(self._process.stdout.readline())
        return taken

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@contextlib.contextmanager
def competitors(count: int) -> Iterator[None]:
    """Processes that keep a core busy each."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@contextlib.contextmanager
def processes(artifacts: Path, before: Path | None) -> Iterator[dict[str, Measured]]:
    """All that is measured, by the name of its row."""
    cores = os.cpu_count() or 1
    checkouts = {"": REPOSITORY} | ({"before, ": before} if before else {})
    with contextlib.ExitStack() as stack:
        found = {}
        for words, checkout in checkouts.items():
            for name, threads in ((ONE, 1), (ALL, cores)):
                found[words + name] = Measured(SIMULATOR, artifacts, INFERENCES, threads, checkout)
                stack.callback(found[words + name].close)
        found[REFERENCE] = Measured(TOSA, artifacts, 1, cores, REPOSITORY)
        stack.callback(found[REFERENCE].close)
        yield found


def measure(artifacts: Path, before: Path | None) -> Iterator[dict[str, float]]:
    """Medians by row, for each number of competitors."""
    for number, part in enumerate(parts_of_run(artifacts)):
        np.savez(artifacts / f"inputs-{number:03}.npz", *part.random_inputs(0))
    with processes(artifacts, before) as measured:
        for count in COMPETITORS:
            taken: dict[str, list[float]] = {name: [] for name in measured}
            with competitors(count):
                for _ in range(TURNS):
                    for name, process in measured.items():
                        time.sleep(PAUSE_S)
                        taken[name] += process.turn()
            yield {name: statistics.median(times) for name, times in taken.items()}


def rows(columns: list[dict[str, float]]) -> Iterator[tuple[str, list[float]]]:
    """Seconds, then ratios: of each to the reference model, and of ours to those of another checkout."""
    for name in columns[0]:
        yield name, [column[name] for column in columns]
    ratios: Mapping[str, tuple[str, str]] = {
        f"{name} / {other}": (name, other)
        for name in columns[0]
        for other in (REFERENCE, f"before, {name}")
        if name != other and other in columns[0]
    }
    for words, (name, other) in ratios.items():
        yield words, [column[name] / column[other] for column in columns]


def main() -> None:
    """Print a row for each way of computing, with a column for each number of competitors."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.inference")
    parser.add_argument("--model", default="sample:mobilenet_v2")
    parser.add_argument("--target", metavar="NPU", default=boards.DEFAULT.npu.default_accelerator)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    before = options.before.resolve() if options.before else None
    with tempfile.TemporaryDirectory() as home:
        columns = list(measure(compiled(options.model, Path(home), options.target), before))
    print(f"one inference of {options.model} for {options.target}, seconds, {os.cpu_count()} cores")
    print(f"{'processes beside it':56}" + "".join(f"{count:9}" for count in COMPETITORS))
    for name, figures in rows(columns):
        print(f"{name:56}" + "".join(f"{figure:9.4f}" for figure in figures))


if __name__ == "__main__":
    main()
