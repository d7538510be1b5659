"""What a worker process does with damaged programs: run them, and say how each ended."""

import functools
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np

from tests.simulator.damage import PROGRAMS
from tui.model import pte
from tui.simulator import interpreter
from tui.simulator.interpreter import ExecutionError, LoadError, Method

PATIENCE_S = 2.0
"""After that a program is stopped, as ``--timelimit`` stops it."""

OWN = (pte.PteError, LoadError, ExecutionError)

INSTRUCTIONS = 1000
"""A damaged plan may be an endless loop: it need not be followed ten million times."""


@dataclass(frozen=True)
class Outcome:
    """How a damaged program ended."""

    mutation: str
    end: str
    """``ok``, ``stopped``, the name of the simulator's error, or ``traceback``."""
    seconds: float
    resident_kib: int
    """Of the worker, at the time."""
    detail: str = ""


class StoppedError(Exception):
    """A program was stopped."""


def stop(_number: int, _frame: FrameType | None) -> None:
    """Stop a program, as the handler of the alarm."""
    raise StoppedError


def resident_kib() -> int:
    """What this process takes now; its peak where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize() >> 10
    except FileNotFoundError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak >> 10 if sys.platform == "darwin" else peak


def ending(work: Callable[[], object], own: tuple[type[Exception], ...], patience_s: float) -> tuple[str, str]:
    """How some work ends, and the traceback where that is neither its result nor one line of an error of our `own`."""
    signal.setitimer(signal.ITIMER_REAL, patience_s)
    try:
        work()
    except StoppedError:
        return "stopped", ""
    except own as error:
        lines = str(error).splitlines()
        return (type(error).__name__, "") if len(lines) == 1 else ("traceback", f"{len(lines)} lines: {error}")
    except BaseException:  # noqa: BLE001 - whatever it is, it is not what a user may see
        return "traceback", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "ok", ""


def fuzzed(programs: tuple[bytes, ...], seed: int, number: int) -> Outcome:
    """Damage and run the program with that number."""
    random = np.random.default_rng((seed, number))
    mutate = PROGRAMS[number % len(PROGRAMS)]
    data = mutate(random, programs[random.integers(len(programs))])
    begun = time.monotonic()
    end, detail = ending(lambda: Method(pte.parse(data)).execute(), OWN, PATIENCE_S)
    return Outcome(mutate.__name__, end, time.monotonic() - begun, resident_kib(), detail)


def prepare(programs: tuple[bytes, ...], seed: int) -> Callable[[int], Outcome]:
    """What this process does from now on."""
    # Where an operator has a name that is not in the simulator's table, PyTorch is asked: an import that is stopped
    # half way breaks it for the programs after, and it is larger than anything a program may add.
    import torch  # noqa: F401

    signal.signal(signal.SIGALRM, stop)
    interpreter.INSTRUCTION_LIMIT = INSTRUCTIONS
    # A warning would reach the user's terminal.
    warnings.simplefilter("error")
    return functools.partial(fuzzed, programs, seed)
