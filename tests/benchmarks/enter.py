"""``python -m tests.benchmarks.enter [--before CHECKOUT] [MODEL...]``: seconds from Enter to figures.

On the screen, from the key on Setup, five seconds after its first picture, to the verdict; of the command, from its
start to its end. Each for a machine without a compile server, for one with it, for another size of the NPU, and for
what is unchanged. With another checkout, its figures stand beside ours, taken in turn.
"""

import argparse
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from tests.app.pseudo_terminal import Terminal
from tests.conftest import REPOSITORY, TUI, environment

MODELS = ("sample:digits", "executorch:resnet8")
FIRST, OTHER = "ethos-u85-256", "ethos-u85-512"
THINKING_S = 5.0
"""Time that somebody looks at Setup before the first run."""


def end_servers() -> None:
    """End the compile servers of this user."""
    for process in psutil.process_iter(["cmdline"]):
        if "tui.compile.server" in (process.info["cmdline"] or ()):
            os.kill(process.pid, signal.SIGKILL)


def of_command(model: str, target: str, home: Path, checkout: Path) -> float:
    """Seconds of ``fvp-tui run``."""
    env = {**environment(home), "PYTHONPATH": str(checkout)}
    command = [*TUI, "run", model, "--target", target]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=home, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - begun


def of_screen(model: str, home: Path, checkout: Path) -> float:
    """Seconds from Enter on Setup to the verdict, where nothing is cached."""
    # Who has a run is shown Setup, and nothing before it.
    of_command(model, OTHER, home, checkout)
    shutil.rmtree(home / "cache")
    end_servers()
    tui = Terminal([], home, rows=40, columns=120, PYTHONPATH=str(checkout))
    tui.wait(lambda: "run sample:digits" in tui.text, 60)
    tui.child.send(" ")  # from the greeting to the screen beneath
    began = time.monotonic()
    if model != "sample:digits":
        tui.child.send(f"/{model.partition(':')[2]}")
        tui.wait(lambda: f"run {model}" in tui.text, 60)
        tui.child.send("\r")  # to the list
    tui.wait(lambda: time.monotonic() - began > THINKING_S, 60)
    begun = time.perf_counter()
    tui.child.send("\r")
    tui.wait(lambda: "Run again" in tui.text, 120)  # a key of a run that has ended
    taken = time.perf_counter() - begun
    tui.child.close(force=True)
    return taken


def series(model: str, checkout: Path) -> dict[str, float]:
    """All figures of a model with a checkout."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        end_servers()
        found = {"command, cold": of_command(model, FIRST, home, checkout)}
        found["command, other target"] = of_command(model, OTHER, home, checkout)
        found["command, unchanged"] = of_command(model, OTHER, home, checkout)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        found["command, server warm"] = of_command(model, FIRST, home, checkout)
    with tempfile.TemporaryDirectory() as folder:
        found["screen, cold"] = of_screen(model, Path(folder), checkout)
    end_servers()
    return found


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.enter")
    parser.add_argument("models", nargs="*", metavar="MODEL", default=MODELS)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    print(f"{'from Enter to figures, seconds':48} {'before':>8} {'now':>8}   now / before")
    for model in options.models:
        before = series(model, options.before.resolve()) if options.before else {}
        for case, now in series(model, REPOSITORY).items():
            was = before.get(case)
            words = "" if was is None else f"   {now / was:.2f}"
            print(f"{model:24}{case:24} {'' if was is None else f'{was:.2f}':>8} {now:8.2f}{words}", flush=True)


if __name__ == "__main__":
    main()
