"""``python -m tests.simulator.ethosu55.networks [--quantize int8] [MODEL...]``: networks on all sizes of U55 and U65.

A model is lowered once, and Vela run on its graphs for each accelerator and memory mode; the outputs are compared with
the TOSA reference model's, bit for bit, on three sets of random inputs. The exit status is 1 where one differs.
"""

import argparse
import os
import sys
from collections.abc import Iterator

import numpy as np

from tests.differential import lowering
from tests.differential.specs import Configuration, Quantization
from tests.models import ALL
from tests.simulator import programs
from tests.simulator.programs import Part
from tui.compile import models
from tui.simulator.delegate import DelegateError

SEEDS = (1, 2, 3)
U55, U65 = "Ethos_U55_High_End_Embedded", "Ethos_U65_High_End"
CONFIGURATIONS = (
    ("ethos-u55-32", U55, "Sram_Only"),
    ("ethos-u55-64", U55, "Shared_Sram"),
    ("ethos-u55-128", U55, "Shared_Sram"),
    ("ethos-u55-256", U55, "Shared_Sram"),
    ("ethos-u65-256", U65, "Dedicated_Sram_384KB"),
    ("ethos-u65-512", U65, "Dedicated_Sram_384KB"),
    ("ethos-u65-512", U65, "Sram_Only"),
)
CALIBRATIONS = 2


def lowered(name: str, quantization: Quantization) -> lowering.Lowered:
    """A model's graphs for the family."""
    model = models.load(name)
    samples = tuple(model.calibration[:CALIBRATIONS]) or (model.example,)
    return lowering.lower_module(model.module, samples, quantization, accelerator=CONFIGURATIONS[0][0])


def outcome(part: Part) -> str:
    """``equal``, with the number of distinct values in the outputs, or what is wrong."""
    engine, distinct = part.load(), 0
    try:
        for seed in SEEDS:
            inputs = part.random_inputs(seed)
            found, expected = programs.simulate(part, engine, inputs), programs.reference(part, inputs)
            if any((have != want).any() for have, want in zip(found, expected, strict=True)):
                return f"differs, seed {seed}"
            distinct = max(distinct, *(len(np.unique(one)) for one in found))
    except DelegateError as error:
        return str(error)
    return f"equal, {distinct} distinct values"


def rows(name: str, quantization: Quantization) -> Iterator[tuple[str, bool]]:
    """A line for each partition and configuration, and if it is good."""
    for number, partition in enumerate(lowered(name, quantization).partitions):
        for target in CONFIGURATIONS:
            said = outcome(lowering.compiled(partition, Configuration(*target, None, "Performance")))
            yield f"{name} {quantization} partition {number} {target[0]} {target[2]}: {said}", said.startswith("equal")


def main(arguments: list[str]) -> int:
    """Print a line for each stream."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.ethosu55.networks")
    parser.add_argument("models", nargs="*", metavar="MODEL", default=ALL)
    parser.add_argument("--quantize", choices=("int8", "a16w8"), default="int8")
    options = parser.parse_args(arguments)
    # The compilers and the reference model print; what is ours to print goes around them.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    total = equal = 0
    with lowering.in_haste():
        for name in options.models:
            for line, good in rows(name, options.quantize):
                total, equal = total + 1, equal + good
                out.write(f"{line}\n")
                out.flush()
    out.write(f"{equal} of {total} streams equal\n")
    out.flush()
    return 0 if equal == total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
