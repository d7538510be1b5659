"""``python -m tests.benchmarks.loop``: the loop of change, compile, look, beside ExecuTorch's own command.

A sweep of 15 configurations is compared with three runs of ``aot_arm_compiler`` scaled to 15; a model whose code was
edited, and one that was not, with one run of it. All on this machine, one after the other.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import REPOSITORY, TUI, environment

SWEPT = ("executorch:resnet8", "executorch:mobilenet_v1_025")
MACS = (128, 256, 512, 1024, 2048)
MODES = ("Sram_Only", "Shared_Sram", "Dedicated_Sram_384KB")
ALONE = ((256, MODES[0]), (512, MODES[1]), (1024, MODES[2]))
DIGITS = REPOSITORY / "sample_models" / "digits.py"


def seconds(command: Sequence[str], home: Path) -> float:
    """Wall time of a command that ends well."""
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return time.perf_counter() - begun


def alone(model: str, macs: int, mode: str, home: Path) -> float:
    """ExecuTorch's own compiler on one configuration."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "executorch.backends.arm.scripts.aot_arm_compiler", "-m", model, "-d", "-q",
            "-t", f"ethos-u85-{macs}", "--memory_mode", mode, "-o", f"{folder}/out.pte",
        ]  # fmt: skip
        return seconds(command, home)


def sweeps(home: Path) -> None:
    """Print a line for each model."""
    print(f"{'15 configurations, seconds':32} {'sweep':>9} {'3 alone':>9} {'scaled':>9}   scaled / sweep")
    grid = ["--targets", ",".join(f"ethos-u85-{macs}" for macs in MACS), "--memory-modes", ",".join(MODES)]
    for model in SWEPT:
        swept = seconds([*TUI, "sweep", model, *grid], home)
        three = sum(alone(model.partition(":")[2], macs, mode, home) for macs, mode in ALONE)
        scaled = three / len(ALONE) * len(MACS) * len(MODES)
        print(f"{model:32} {swept:9.1f} {three:9.1f} {scaled:9.1f}   {scaled / swept:.1f}", flush=True)


def first_line(model: Path, home: Path) -> float:
    """Seconds from the command to the first line that the platform prints."""
    command = [*TUI, "run", str(model), "--platform", "simulator", "--events"]
    begun = time.perf_counter()
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout)
        next(e for e in events if e["event"] == "logged" and e["source"] in ("uart", "platform"))
        taken = time.perf_counter() - begun
        for _ in events:
            pass
    return taken


def edits(home: Path) -> None:
    """Print what an edited and an unchanged model take."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(shutil.copytree(DIGITS.parent, f"{folder}/models")) / DIGITS.name
        cold = alone(str(model), 256, MODES[0], home)
        edited = []
        for _ in range(3):
            # A line more: the weights are the same, the program's places in the source are not.
            model.write_text("\n" + model.read_text(encoding="utf-8"), encoding="utf-8")
            edited.append(seconds([*TUI, "compile", str(model)], home))
        unchanged = [first_line(model, home) for _ in range(3)]
    warm, again = statistics.median(edited), statistics.median(unchanged)
    print(f"{'aot_arm_compiler, cold':32} {cold:9.1f} s")
    print(f"{'edited, compiled warm':32} {warm:9.1f} s   {warm / cold:.2f} of it")
    print(f"{'unchanged, to the first line':32} {again:9.2f} s   that the platform prints")


def main() -> None:
    """Both, with a server that is warm."""
    with tempfile.TemporaryDirectory() as home:
        seconds([*TUI, "compile", "executorch:add"], Path(home))
        sweeps(Path(home))
        edits(Path(home))


if __name__ == "__main__":
    main()
