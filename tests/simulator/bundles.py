"""Bundled programs, made by ExecuTorch's own devtools. Importing this imports torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from executorch.devtools import BundledProgram
from executorch.devtools.bundled_program.config import MethodTestCase, MethodTestSuite
from executorch.devtools.bundled_program.serialize import serialize_from_bundled_program_to_flatbuffer

Arrays = Sequence[np.ndarray]
Case = tuple[Arrays, Arrays | None]
"""Inputs and expected outputs; None where nothing is expected."""


def _tensors(arrays: Arrays) -> list[torch.Tensor]:
    return [torch.from_numpy(np.array(array)) for array in arrays]


def bundle(program: Path, *cases: Case, method: str = "forward") -> bytes:
    """The .bpte of a program and test cases."""
    made = [
        MethodTestCase(_tensors(inputs), None if outputs is None else _tensors(outputs)) for inputs, outputs in cases
    ]
    whole = BundledProgram(None, [MethodTestSuite(method, made)], pte_file_path=str(program))
    return bytes(serialize_from_bundled_program_to_flatbuffer(whole))
