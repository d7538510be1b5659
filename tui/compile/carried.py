"""State that a model carries from one inference to the next, and what becomes of it in the program."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from tui.compile import mutation
from tui.compile.models import Inputs, Samples
from tui.compile.mutation import Change
from tui.model.tensors import ModelState, TensorInfo

CALIBRATED = 16
"""Inferences to calibrate on where a model brings one input only: the first one sees nothing but the initial state."""

FLOAT_TOLERANCE = 1e-3
"""Of the largest element of an output without a quantization step: what does not count as another result."""


def place(change: Change) -> str:
    """``s (net.py:9)``: a buffer, and where it is changed."""
    file, _, line = (change.line or "").rpartition(":")
    return f"{change.name} ({Path(file).name}:{line})" if file else change.name


def _places(changes: Sequence[Change]) -> str:
    return ", ".join(map(place, changes))


def as_input(change: Change) -> str:
    """The way to have state whatever becomes of buffers."""
    name = change.name.rpartition(".")[2]
    return (
        f"take it as an input, def forward(self, x, {name}), and return its new value as an output, "
        "which the application passes on"
    )


class Carried:
    """What a model changes as it runs, and what of that its program still does."""

    def __init__(self, program: Any, note: Callable[[str], None], unregistered: Sequence[Change] = ()) -> None:
        """`program` is the exported one, which does not have the `unregistered`; `note` is told what is to be known."""
        found = mutation.of_program(program)
        self.changes = replace(found, buffers=(*found.buffers, *unregistered))
        self._note = note
        self._before = program.module(check_guards=False) if self.changes.buffers else None
        self._lost = tuple(unregistered)
        self._steps = 0
        self._tell_training()
        for change in unregistered:
            leaf = change.name.rpartition(".")[2]
            note(
                f"the .pte keeps no state in {change.name}: exporting leaves out what forward assigns to a plain "
                f'attribute; make it a buffer, self.register_buffer("{leaf}", ...), or {as_input(change)}'
            )

    def _tell_training(self) -> None:
        found = [change for change in self.changes.buffers if change.normalization]
        if found:
            names = ", ".join(sorted({change.module or "the model" for change in found}))
            self._note(f"{names} is in training mode and changes {_places(found)} as it runs: call eval() on it")

    def steps(self, calibration: Sequence[Inputs], inferences: int) -> Sequence[Inputs]:
        """The inputs to calibrate on, one inference after the other."""
        if not self.changes.state or len(calibration) > 1:
            return calibration
        self._steps = max(CALIBRATED, inferences)
        return list(calibration) * self._steps

    def quantized(self, module: Any, program: Any) -> None:
        """Tell what quantization, which made `module` and from it `program`, has lost."""
        if self._before is None:
            return
        if self._steps:
            self._note(
                f"calibrated on {self._steps} inferences in a row, with the model's example inputs: the first of them "
                f"sees the state as it begins; ModelCalibration is a sequence of your own"
            )
        fewer = mutation.fewer_writes(self._before, module)
        copied = tuple(change for change in self.changes.buffers if change.name in fewer)
        self._lose(copied, "quantization makes the program change a copy")
        self._lose(mutation.lost(self.changes, program), "quantization makes a constant of it")

    def lowered(self, program: Any) -> None:
        """Tell what lowering, which made `program`, has lost, and what of all is kept."""
        self._lose(mutation.lost(self.changes, program), "lowering leaves it out")
        kept = [change for change in self.changes.state if change not in self._lost]
        if kept:
            self._note(
                f"the model has state in {_places(kept)}: the .pte keeps it from one inference to the next, "
                "until the platform is booted again"
            )
        for change in kept:
            if not change.zero:
                self._note(
                    f"the .pte does not hold what {place(change)} starts with, and begins with what its memory holds, "
                    f"mostly zeros: let the buffer start with zeros, or {as_input(change)}"
                )
        if returned := mutation.returned(program):
            numbers = ", ".join(map(str, range(len(returned))))
            self._note(
                f"forward changes its input {_places(self.changes.inputs)}: the .pte gives it back as output {numbers},"
                " before the model's own"
            )

    def _lose(self, found: Sequence[Change], why: str) -> None:
        fresh = [change for change in found if change not in self._lost]
        self._lost = (*self._lost, *fresh)
        for change in fresh:
            if change.read:
                name = change.name.rpartition(".")[2]
                self._note(
                    f"the .pte keeps no state in {place(change)}: {why}, so that each inference starts anew; compute "
                    f"its new value first and write it once, self.{name}.copy_(new), or {as_input(change)}"
                )
            elif not change.normalization:
                self._note(f"the .pte does not keep {place(change)}; no output depends on it")

    def state(self, model: Any, samples: Samples, outputs: Sequence[TensorInfo]) -> ModelState | None:
        """What is to be known of it when outputs are compared; `model` is the float one."""
        state = self.changes.state
        if not state:
            return None
        kept = [change for change in state if change not in self._lost]
        return ModelState(
            buffers=tuple(map(place, state)),
            lost=tuple(map(place, (change for change in state if change in self._lost))),
            unset=tuple(place(change) for change in kept if not change.zero),
            needed_from=self._needed_from(model, samples.inputs, outputs),
        )

    def _needed_from(self, model: Any, inputs: Sequence[Inputs], outputs: Sequence[TensorInfo]) -> int | None:
        names = [change.name for change in self.changes.buffers]
        carried = list(mutation.run(model, inputs, names))
        for k, anew in enumerate(mutation.run(model, inputs, names, anew=True)):
            # The inputs that a program gives back are none of the model's own outputs.
            infos = outputs[len(outputs) - len(anew) :]
            if any(_differ(a, b, info) for a, b, info in zip(carried[k], anew, infos, strict=False)):
                return k
        return None


def _differ(a: torch.Tensor, b: torch.Tensor, info: TensorInfo) -> bool:
    x, y = a.double(), b.double()
    largest = float(x.abs().max()) if x.numel() else 0.0
    allowed = info.step if info.step is not None else FLOAT_TOLERANCE * largest
    return bool(((x - y).abs() > allowed).any())
