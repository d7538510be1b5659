"""``python -m tests.benchmarks.server [MODEL...]``: one ``fvp-sim`` in server mode, its first inference and later ones.

Measured as whoever drives it sees it: from the line that asks for an inference to the line that says it is done. The
first one decodes commands and weights and makes the cycle estimate.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.__main__ import compiled
from tests.models import ALL
from tui.model import pte

INFERENCES = 6
READY = b"Running in semihosting server mode."
DONE = b"SERVER_INFERENCE_DONE"


def served(artifacts: Path, folder: Path) -> list[float]:
    """Seconds of each of a server's inferences."""
    data = (artifacts / "model.pte").read_bytes()
    program = pte.parse(data)
    (folder / "program.pte").write_bytes(data)
    random = np.random.default_rng(0)
    words = ["executor_runner", "-m", "program.pte", "-o", "out"]
    for number, index in enumerate(program.main.inputs):
        tensor = program.main.values[index]
        (folder / f"i{number}.bin").write_bytes(random.integers(0, 256, tensor.nbytes, np.uint8).tobytes())
        words += ["-i", f"i{number}.bin"]
    macs = 256
    settings = {
        "mps4_board.subsystem.ethosu.num_macs": str(macs),
        "mps4_board.subsystem.cpu0.semihosting-enable": "1",
        "mps4_board.subsystem.cpu0.semihosting-cwd": str(folder),
        "mps4_board.subsystem.cpu0.semihosting-cmd_line": " ".join([*words, "--server_mode", "true"]),
    }
    command = [sys.executable, "-m", "tui.simulator"]
    command += [word for name, value in settings.items() for word in ("-C", f"{name}={value}")]
    seconds = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as simulator:
        assert simulator.stdin is not None
        assert simulator.stdout is not None
        lines = iter(simulator.stdout.readline, b"")
        next(line for line in lines if READY in line)
        for _ in range(INFERENCES):
            begun = time.perf_counter()
            simulator.stdin.write(b"\n")
            simulator.stdin.flush()
            next(line for line in lines if DONE in line)
            seconds.append(time.perf_counter() - begun)
        simulator.stdin.close()
    return seconds


def main(models: list[str]) -> None:
    """Print a line for each model."""
    print(f"{'server mode, seconds':28} {'first':>10} {'second':>10} {'later':>10}   first / second")
    with tempfile.TemporaryDirectory() as home:
        for model in models:
            artifacts = compiled(model, Path(home))
            with tempfile.TemporaryDirectory() as folder:
                first, second, *rest = served(artifacts, Path(folder))
            later = statistics.median(rest)
            print(f"{model:28} {first:10.4f} {second:10.4f} {later:10.4f}   {first / second:.1f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or list(ALL))
