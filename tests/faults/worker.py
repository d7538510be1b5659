"""What a worker process of the harness does with its tries."""

import functools
import os
from collections.abc import Callable
from pathlib import Path

from tests.faults import crowds, damage, scenarios
from tests.faults.judging import Outcome
from tests.faults.world import World

Job = tuple[str, int]
"""A scenario's name, and the number of the try."""


def _do(shared: World, seed: str, sizes: int, how: str, stopped: Path, job: Job) -> Outcome:
    name, number = job
    if name.startswith("disk full"):
        return crowds.disk_full(shared, number, sizes, how, compiling="compiling" in name)
    if name == "six at once":
        return crowds.at_once(shared, number)
    if name == "journal damaged":
        home = shared.folder / f"damage-{os.getpid()}"
        os.environ["FVP_TUI_HOME"] = str(home)
        return damage.tried(damage.given(shared.compiled if number % 3 else stopped), number, seed, home)
    scenario = next(one for one in scenarios.SCENARIOS if one.name == name)
    return scenarios.tried(scenario, shared, number, seed)


def prepare(shared: World, seed: str, sizes: int, how: str, stopped: Path) -> Callable[[Job], Outcome]:
    """What a worker does with each job."""
    return functools.partial(_do, shared, seed, sizes, how, stopped)
