"""``python -m tests.benchmarks.campaigns [PART...]``: campaigns here and on three workers, and whether all agree.

example     examples/mlperf_tiny.toml from an empty cache, again, by ``run`` one after another, and on a cluster
estimates   300 estimates in a pool and on a cluster, and by one sweep
data        2,000 images of digits on one core, on all cores, and in slices on a cluster
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.campaign import clusters
from tests.conftest import REPOSITORY, TUI, environment

IMAGES = 2000
WORKERS = 3
FIGURES = (
    "model", "quantize", "target", "memory_mode", "system_config", "status", "check", "npu_cycles", "inference_ms",
    "total_cycles", "sram_kib", "correct", "answers", "confusion",
)  # fmt: skip
"""Figures that do not depend on where a cell was done."""
GRID = (
    "--targets", "ethos-u85",
    "--memory-modes", "Sram_Only,Shared_Sram,Dedicated_Sram,Dedicated_Sram_256KB,Dedicated_Sram_384KB",
    "--system-configs", "Ethos_U85_SYS_DRAM_Low,Ethos_U85_SYS_DRAM_Mid,Ethos_U85_SYS_DRAM_High",
)  # fmt: skip
SIMULATOR = ("--platform", "simulator")


def fvp_tui(home: Path, *arguments: str, **more: str) -> tuple[dict[str, Any], float]:
    """The JSON that a command prints, and the seconds it takes."""
    begun = time.perf_counter()
    done = subprocess.run(
        [*TUI, *arguments, "--json"],
        env={**environment(home), **more}, cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    if done.returncode != 0:
        print(f"  exit {done.returncode}: {done.stderr.splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found, seconds


def figures(campaign: dict[str, Any]) -> list[str]:
    """Figures of all cells, in an order of their own."""
    return sorted(json.dumps([cell[name] for name in FIGURES]) for cell in campaign["cells"])


def say(what: str, seconds: float, count: int, unit: str, more: str = "") -> None:
    """Print a line."""
    print(f"  {what:<42} {seconds:7.1f} s  {1000 * seconds / count:8.1f} ms a {unit}  {more}", flush=True)


def listening() -> set[str]:
    """Addresses of open TCP ports, as ``ss -ltn`` has them."""
    return {line.split()[3] for line in subprocess.check_output(["ss", "-ltnH"], text=True).splitlines()}


def example(folder: Path) -> None:
    """The example, here and there."""
    command = ("campaign", "examples/mlperf_tiny.toml")
    here, seconds = fvp_tui(folder / "here", *command)
    count = len(here["cells"])
    say("from an empty cache", seconds, count, "cell")
    again, seconds = fvp_tui(folder / "here", *command)
    say("again", seconds, count, "cell", f"{sum(cell['reused'] for cell in again['cells'])} done before")
    begun = time.perf_counter()
    for cell in here["cells"]:
        options = ("--target", cell["target"], "--quantize", cell["quantize"], *SIMULATOR)
        state, _ = fvp_tui(folder / "one", "run", cell["model"], *options)
        assert state["inferences"][0]["npu_cycles"] == cell["npu_cycles"]
    say("by run, one after another", time.perf_counter() - begun, count, "cell", "same cycles")
    before = listening()
    with clusters.cluster(folder, WORKERS) as cluster:
        there, seconds = fvp_tui(folder / "there", *command, *cluster.options)
        opened = listening() - before
    same = "same figures" if figures(there) == figures(here) else "OTHER FIGURES"
    beyond = [port for port in opened if not port.startswith(("127.", "[::1]"))]
    say(f"{WORKERS} workers over TLS", seconds, count, "cell", same)
    print(f"  ports opened: {len(opened)}, beyond loopback: {beyond or 'none'}; left: {sorted(listening() - before)}")


def estimates(folder: Path) -> None:
    """Many estimates, here and there."""
    fvp_tui(folder / "warm", "run", "sample:digits", *SIMULATOR)
    command = ("campaign", "sample:digits", "sample:split", "--quantize", "int8,a16w8", *GRID, "--estimate")
    here, seconds = fvp_tui(folder / "here", *command)
    count = len(here["cells"])
    say(f"pool, {count} cells", seconds, count, "cell")
    swept, seconds = fvp_tui(folder / "here", "sweep", here["cells"][0]["run"], *GRID)
    say(f"one sweep, {len(swept['points'])} points", seconds, len(swept["points"]), "point")
    with clusters.cluster(folder, WORKERS) as cluster:
        fvp_tui(folder / "warm", "campaign", "sample:digits", "--estimate", *cluster.options)
        there, seconds = fvp_tui(folder / "there", *command, *cluster.options)
    same = "same figures" if figures(there) == figures(here) else "OTHER FIGURES"
    say(f"{WORKERS} workers", seconds, count, "cell", same)


def augmented(path: Path) -> None:
    """Write the sample's held-out images, moved by a pixel at most and with noise, as a data set."""
    with np.load(REPOSITORY / "sample_models" / "data" / "digits.npz") as held:
        images, labels = held["held_out"].astype(np.float32) / 16, held["labels"]
    random = np.random.default_rng(0)
    chosen = random.integers(0, len(images), IMAGES)
    moved = [np.roll(images[at], random.integers(-1, 2, 2), (-2, -1)) for at in chosen]
    noisy = np.stack(moved) + random.normal(0, 0.08, (IMAGES, *images.shape[1:]))
    np.savez(path, inputs=np.clip(noisy, 0, 1).astype(np.float32), labels=labels[chosen])


def data(folder: Path) -> None:
    """A data set, here and there."""
    path = folder / "digits.npz"
    augmented(path)
    options = ("--dataset", str(path), *SIMULATOR)
    fvp_tui(folder / "warm", "run", "sample:digits", *SIMULATOR)
    found = []
    for cores in ("1", ""):
        run = ("run", "sample:digits", "--target", "ethos-u85-128", *options)
        state, seconds = fvp_tui(folder / f"cores{cores}", *run, FVP_TUI_CORES=cores)
        found.append(state["check"]["confusion"])
        say("one core" if cores else "all cores", seconds, IMAGES, "image", f"{IMAGES / seconds:.0f} images/s")
    with clusters.cluster(folder, WORKERS) as cluster:
        targets = ("--targets", "ethos-u85-128,ethos-u85-256,ethos-u55-128")
        fvp_tui(folder / "warm", "campaign", "sample:digits", *targets, *SIMULATOR, *cluster.options)
        sliced = ("campaign", "sample:digits", "--targets", "ethos-u85-128", "--slices", str(WORKERS), *options)
        there, seconds = fvp_tui(folder / "there", *sliced, *cluster.options)
    found.append(there["cells"][0]["confusion"])
    say(f"{WORKERS} workers", seconds, IMAGES, "image", f"{IMAGES / seconds:.0f} images/s")
    print(f"  confusion matrices: {'equal' if found[0] == found[1] == found[2] else 'DIFFERENT'}")


PARTS: dict[str, Callable[[Path], None]] = {"example": example, "estimates": estimates, "data": data}


def main() -> None:
    """Print the parts that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.campaigns")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}; all by default")
    for name in parser.parse_args().parts or PARTS:
        print(name)
        with tempfile.TemporaryDirectory() as folder:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
