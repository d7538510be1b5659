"""``python -m tests.campaign.kills [--moments N]``: campaigns whose process is killed at a random moment, then resumed.

After each: all cells have their outcome, none has two runs, no run is without its cell, and no process is left.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.conftest import TUI, environment
from tui.run import belonging

OPTIONS = (
    "campaign", "sample:digits", "sample:split", "--targets", "ethos-u55-128,ethos-u85-128,ethos-u85-256",
    "--quantize", "int8,a16w8", "--platform", "simulator",
)  # fmt: skip
MODULE = "tui.campaign.process"


def killed(home: Path, after: float) -> bool:
    """Begin the campaign, and kill its process after so many seconds; False if it had ended by then."""
    name = subprocess.check_output([*TUI, *OPTIONS, "--detach"], env=environment(home), text=True).strip()
    time.sleep(after)
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if MODULE in words and any(name in word for word in words):
            process.kill()
            return True
    return False


def faults(home: Path) -> list[str]:
    """What is wrong after the campaign has been resumed."""
    done = subprocess.run(
        [*TUI, *OPTIONS, "--json"], env=environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr.splitlines()[-1:]}"]
    result = json.loads(done.stdout)
    cells = [cell["run"] for cell in result["cells"]]
    wrong = [f"{cell['target']}: {cell['status']}" for cell in result["cells"] if cell["status"] != "ok"]
    runs = {path.name: belonging.of(path) for path in (home / "runs").iterdir()}
    keys = Counter(found.key for found in runs.values() if found is not None)
    wrong += [f"{key} has {count} runs" for key, count in keys.items() if count > 1]
    wrong += [f"{name} is no cell's" for name in runs if name not in cells]
    if len(list((home / "campaigns").iterdir())) != 1:
        wrong.append("there is more than one campaign")
    left = [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or ())]
    return wrong + [f"left: {' '.join(process.info['cmdline'])}" for process in left]


def main() -> int:
    """Print a line for each moment."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.kills")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    sound = True
    for moment in range(options.moments):
        with tempfile.TemporaryDirectory() as folder:
            home, times, after = Path(folder), random.randint(1, 3), 0.0
            kills = 0
            for _ in range(times):
                after = random.uniform(0.05, 6.0)
                kills += killed(home, after)
            wrong = faults(home)
            sound &= not wrong
            print(
                f"{moment + 1:3}  killed {kills} times, last after {after:.2f} s: {'; '.join(wrong) or 'whole'}",
                flush=True,
            )
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
