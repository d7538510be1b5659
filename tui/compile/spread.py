"""A computation on many samples, spread over forked processes: one for each core, each with one thread.

What the processes need they have from their parent, and only results are sent back. The compilers' modules and graphs
could not be sent at all.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any, TypeVar

import torch

from tui import processes
from tui.compile.inputs import Inputs

LEAST = 32
"""Samples that are worth another process."""

Result = TypeVar("Result")
_parts: list[Callable[[], Any]] = []
"""The computations of the processes to be forked."""


def over(samples: Sequence[Inputs], compute: Callable[[Sequence[Inputs]], Result], *, apart: bool) -> list[Result]:
    """Compute on parts of the samples, in their order; on all at once unless the samples are `apart` from each other.

    Raises:
        BrokenProcessPool: a process was killed, as by a machine that has run out of memory.
    """
    count = min(processes.cores(), len(samples) // LEAST)
    if not apart or count < 2:
        return [compute(samples)]
    shares = processes.shares(len(samples), count)
    _parts[:] = [partial(compute, samples[share.start : share.stop]) for share in shares]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(count, fork, initializer=_begin, initargs=(processes.tie(),)) as pool:
        return list(pool.map(_one, range(count)))


def _begin(tie: Callable[[], None]) -> None:
    tie()
    # Threads that the parent has are not in a fork of it, and waiting for one would never end.
    torch.set_num_threads(1)


def _one(number: int) -> Any:
    return _parts[number]()
