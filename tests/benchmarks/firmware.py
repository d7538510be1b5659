"""``python -m tests.benchmarks.firmware``: what Arm's firmware on QEMU costs, against the interpreter.

A process of ``fvp-sim`` for each: its wall time with start and boot, the best of three, and the instructions executed.
Programs: hello (an addition), resnet8 and MobileNetV2 on the NPU, and resnet8 in float, all of it on the CPU. Needs
qemu-system-arm and ``fvp-tui firmware install``.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.conftest import TUI, environment
from tui.model import pte
from tui.platform import firmware_store
from tui.toolchain import firmware_images, qemu

REPEATS = 3
MODELS = (
    ("hello: add", ("executorch:add",)),
    ("resnet8", ("executorch:resnet8",)),
    ("MobileNetV2 224", ("sample:mobilenet_v2",)),
    ("resnet8, CPU only", ("executorch:resnet8", "--quantize", "none")),
)
COUNTED = re.compile(r"\( *(\d+) Inst\)")


def compiled(home: Path, words: tuple[str, ...], folder: Path) -> Path:
    """A model's program, with inputs of zeros beside it."""
    program = folder / "program.pte"
    subprocess.run(
        [*TUI, "compile", *words, "-o", str(program)], env=environment(home), check=True, capture_output=True
    )
    signature = pte.signature(program.read_bytes())
    (folder / "in.bin").write_bytes(b"".join(np.zeros(info.nbytes, np.uint8).tobytes() for info in signature.inputs))
    return program


def best(command: list[str], folder: Path, home: Path) -> tuple[float, str]:
    """Seconds of the fastest repeat, and what it printed."""
    found = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=environment(home), check=True, capture_output=True, text=True, errors="replace"
        )
        found.append((time.perf_counter() - begun, done.stdout))
    return min(found)


def main() -> None:
    """Print a line for each program."""
    axf, program = firmware_store.installed(firmware_images.CORSTONE_300), qemu.find()
    if axf is None or program is None:
        print(f"not run: it needs qemu-system-arm ({qemu.INSTALL}) and the firmware (fvp-tui firmware install)")
        return
    print(f"QEMU {qemu.version(program)}, {os.cpu_count()} CPUs")
    print(f"{'':20} {'interpreter, s':>15} {'firmware, s':>12} {'ratio':>6} {'instructions':>14}")
    with tempfile.TemporaryDirectory() as place:
        for name, words in MODELS:
            folder = Path(place) / re.sub(r"\W", "-", name)
            folder.mkdir()
            path = compiled(Path(place), words, folder)
            command = [sys.executable, "-m", "tui.simulator", "--stat"]
            command += ["--data", f"{path}@0x90000000", "--data", "in.bin@0x92000000"]
            interpreted, _ = best([*command, "--engine", "interpreter"], folder, Path(place))
            emulated, said = best([*command, "--engine", "firmware", "-a", str(axf)], folder, Path(place))
            count = int(COUNTED.findall(said)[-1])
            print(
                f"{name:20} {interpreted:15.2f} {emulated:12.2f} {emulated / interpreted:6.2f} {count:14,}", flush=True
            )


if __name__ == "__main__":
    main()
