"""``python -m tests.campaign.kills [--moments N] [--of VICTIM]``: campaigns killed at random moments, then resumed.

Killed is the campaign's own process, on this machine or on a cluster of three workers over TLS, or there one of the
workers or the scheduler, which alone has a cluster of its own each time. After each: all cells have their outcome, none
has two runs, no run is without its cell, and five seconds later nothing is left of who was killed.
"""

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.campaign import clusters
from tests.campaign.clusters import Cluster
from tests.conftest import TUI, environment
from tui import processes
from tui.campaign import store
from tui.run import belonging

OPTIONS = (
    "campaign", "sample:digits", "--targets", "ethos-u55-128,ethos-u85-128,ethos-u85-256",
    "--quantize", "int8,a16w8", "--platform", "simulator",
)  # fmt: skip
MODULE = "tui.campaign.process"


VICTIMS = ("process", "client", "worker", "scheduler")
"""The campaign's process on this machine; on a cluster that process, a worker, the scheduler."""
LATEST_S = 8.0
"""The latest moment; most of the cells have ended by then."""
ORPHANS_S = 5.0


def kill(victim: str, name: str, cluster: Cluster | None) -> bool:
    """Kill a victim; False if it had ended."""
    if cluster is not None and victim == "worker":
        one = random.choice(cluster.computing())
        one.kill()
        return True
    if cluster is not None and victim == "scheduler":
        cluster.scheduler.kill()
        return True
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if MODULE in words and any(name in word for word in words):
            process.kill()
            return True
    return False


def begun(home: Path, more: Sequence[str]) -> str:
    """Begin the campaign, or go on with it; its name."""
    command = [*TUI, *OPTIONS, *more, "--detach"]
    return subprocess.check_output(command, env=environment(home), text=True).strip()


def orphans(folder: Path) -> list[str]:
    """Processes of a cluster in a folder whose owner is gone."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            environ = process.environ()
        except psutil.Error:
            continue
        owner = environ.get(processes.OWNER, "")
        ours = environ.get("HOME", "").startswith(str(folder))
        if ours and owner and processes.name_of(int(owner.partition(":")[0])) != owner:
            found.append(" ".join(process.info["cmdline"] or ())[:80])
    return found


def faults(home: Path, more: Sequence[str]) -> list[str]:
    """Find what is wrong after the campaign has been resumed."""
    command = [*TUI, *OPTIONS, *more, "--json"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, check=False)
    if not done.stdout:
        return [f"exit {done.returncode}: {done.stderr.splitlines()[-3:]}"]
    result = json.loads(done.stdout)
    cells = [cell["run"] for cell in result["cells"]]
    bad = [cell for cell in result["cells"] if cell["status"] != "ok"]
    wrong = [f"exit {done.returncode}"] if done.returncode else []
    wrong += [f"{cell['target']} {cell['quantize']}: {cell['status']}, {cell['reason']}" for cell in bad]
    runs = {path.name: belonging.of(path) for path in (home / "runs").iterdir()}
    keys = Counter(found.key for found in runs.values() if found is not None)
    wrong += [f"{key} has {count} runs" for key, count in keys.items() if count > 1]
    wrong += [f"{name} is no cell's" for name in runs if name not in cells]
    *before, _ = sorted((home / "campaigns").iterdir())
    # One that had done all by itself is not gone on with.
    if any({cell.status for cell in store.load(one).cells.values()} != {"ok"} for one in before):
        wrong.append("it was begun anew")
    left = [p for p in psutil.process_iter(["cmdline"]) if str(home) in " ".join(p.info["cmdline"] or ())]
    return wrong + [f"left: {' '.join(process.info['cmdline'])}" for process in left]


def fresh(stack: contextlib.ExitStack) -> Cluster:
    """Start a cluster of three workers, for as long as the stack is open."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(clusters.cluster(folder, 3))


def moment(victim: str, cluster: Cluster | None, stack: contextlib.ExitStack) -> tuple[float, list[str]]:
    """Kill a victim once, and resume; when that was, and what is wrong."""
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    if victim == "scheduler":
        cluster = fresh(stack)
    after = random.uniform(0.05, LATEST_S)
    name = begun(home, cluster.options if cluster else ())
    time.sleep(after)
    kill(victim, name, cluster)
    time.sleep(ORPHANS_S)
    left = [f"orphan: {words}" for words in orphans(cluster.tls.parent)] if cluster else []
    if victim == "scheduler":
        # It says of each cell that it is lost, and ends.
        while any(name in " ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])):
            time.sleep(0.1)
        cluster = fresh(stack)
    return after, left + faults(home, cluster.options if cluster else ())


def main() -> int:
    """Print a line for each moment."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.kills")
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--of", choices=VICTIMS, default="process")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    sound = True
    with contextlib.ExitStack() as whole:
        cluster = fresh(whole) if options.of in ("client", "worker") else None
        for number in range(options.moments):
            with contextlib.ExitStack() as stack:
                after, wrong = moment(options.of, cluster, stack)
            sound &= not wrong
            print(f"{number + 1:3}  {options.of} killed after {after:.2f} s: {'; '.join(wrong) or 'whole'}", flush=True)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
