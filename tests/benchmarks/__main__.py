"""``python -m tests.benchmarks [MODEL...]``: one inference on the simulator against Arm's TOSA reference model.

Both run the same inference of the same compiled program on the same machine in the same process, in turn; the medians
and their ratio are printed. "first" includes decoding the weights, as every new simulation does.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.models import ALL
from tui.model import pte
from tui.simulator.delegate import EthosU
from tui.toolchain import boards

REPEATS = 5


def compiled(model: str, home: Path, accelerator: str = boards.DEFAULT.npu.default_accelerator) -> Path:
    """The artifacts of `model`, compiled now."""
    done = subprocess.run(
        [sys.executable, "-m", "tui", "compile", model, "--target", accelerator, "--json"],
        env={**os.environ, "FVP_TUI_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return home / "runs" / json.loads(done.stdout)["run"]["id"] / "artifacts"


def seconds(action: Callable[..., object], *arguments: object, **options: object) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    action(*arguments, **options)
    return time.perf_counter() - begun


def measure(artifacts: Path) -> tuple[float, float, float]:
    """(first, later, reference): seconds of one inference of all delegates."""
    import tosa_reference_model

    program = pte.parse((artifacts / "model.pte").read_bytes())
    plan = program.main
    random = np.random.default_rng(0)
    first = later = reference = 0.0
    for number, blob in enumerate(plan.delegates):
        call = next(i for i in plan.instructions if isinstance(i, pte.DelegateCall) and i.delegate == number)
        count = len(EthosU(blob, program.named_data).inputs)
        metas = [plan.values[index] for index in call.args]
        arrays = [
            random.integers(np.iinfo(m.dtype).min, np.iinfo(m.dtype).max, m.shape, m.dtype, endpoint=True)
            for m in metas[:count]
        ]
        given = [array.reshape(-1).view(np.uint8) for array in arrays]
        taken = [np.zeros(m.nbytes, np.uint8) for m in metas[count:]]
        graph = (artifacts / "vela" / f"partition-{number}" / "model.tosa").read_bytes()
        firsts, laters, references = [], [], []
        for _ in range(REPEATS):
            fresh = EthosU(blob, program.named_data)
            firsts.append(seconds(fresh.execute, given, taken))
            laters.append(seconds(fresh.execute, given, taken))
            references.append(seconds(tosa_reference_model.run, graph, arrays, verbosity="NONE"))
        first += statistics.median(firsts)
        later += statistics.median(laters)
        reference += statistics.median(references)
    return first, later, reference


def main(models: list[str]) -> None:
    """Print a line for each model."""
    # The reference model greets on standard output with every call.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    head = f"{'one inference, seconds':28} {'simulator':>10} {'(first)':>10} {'TOSA model':>10}   simulator / TOSA"
    print(head, file=out, flush=True)
    with tempfile.TemporaryDirectory() as home:
        for model in models:
            first, later, reference = measure(compiled(model, Path(home)))
            ratios = f"{later / reference:.2f} (first {first / reference:.2f})"
            print(f"{model:28} {later:10.4f} {first:10.4f} {reference:10.4f}   {ratios}", file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(ALL))
