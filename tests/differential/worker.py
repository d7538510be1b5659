"""A worker process of the differential test, importable by name, unlike ``__main__``."""

import functools
import gc
import os
from collections.abc import Callable

import torch

from tests.differential import comparison, lowering
from tests.differential.specs import Npu


def prepare(seed: int, npu: Npu) -> Callable[[int], comparison.Outcome]:
    """Import everything once, and discard what the compilers print."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    torch.set_num_threads(1)
    # PyTorch's own objects live as long as the worker: no reason to look at them again and again.
    gc.collect()
    gc.freeze()
    lowering.in_haste().__enter__()
    return functools.partial(comparison.compare_number, seed, npu=npu)
