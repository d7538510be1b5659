"""``python -m tests.fuzz [--programs N] [--npu NPU] [--seed S] [--number K]``: damaged programs, counted by end.

A program that ends in anything but its result or one line of the simulator's own is a failure, and so is one that
does not answer, that takes its process down, or that leaves it larger than it was.
"""

import argparse
import functools
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.__main__ import compiled
from tests.fuzz import series, worker
from tests.simulator.programs import SMALL

MODELS = ("sample:digits", "sample:split", "sample:transformer")
"""One partition, several with kernels on the CPU between them, and one of many small operators."""

HANGS_S = 30
"""Without an answer for so long: the signal that stops a program was not heard."""


def sound(place: Path, npu: str) -> tuple[bytes, ...]:
    """The programs before they are damaged."""
    if npu == "ethos-u55":
        return tuple(file.read_bytes() for file in sorted(SMALL.glob("*.pte")))
    return tuple((compiled(model, place) / "model.pte").read_bytes() for model in MODELS)


def main(arguments: list[str]) -> int:
    """The exit status is 1 where there was a traceback, a hang, a crash, or growth of memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--programs", type=int, default=20_000)
    parser.add_argument("--npu", choices=("ethos-u85", "ethos-u55"), default="ethos-u85", help="ethos-u55: U65, too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, help="only the program of that number")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        programs = sound(Path(place), options.npu)
    numbers = range(options.programs) if options.number is None else [options.number]
    prepare = functools.partial(worker.prepare, programs, options.seed)
    return series.run(prepare, numbers, f"--seed {options.seed} --npu {options.npu}", HANGS_S, worker.PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
