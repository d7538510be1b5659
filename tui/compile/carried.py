"""State that a model carries from one inference to the next, and what the program keeps of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.export import ExportedProgram
from torch.fx import GraphModule

from tui.compile import mutation
from tui.compile.inputs import Inputs
from tui.compile.mutation import Change
from tui.compile.samples import Samples
from tui.model.tensors import ModelState, TensorInfo

CALIBRATED = 16
"""Inferences to calibrate on where a model has only one input: the first one sees only the initial state."""

FLOAT_TOLERANCE = 1e-3
"""Share of the largest element by which an output without a quantization step may differ and still be the same."""


def place(change: Change) -> str:
    """A buffer, and where it is changed: ``s (net.py:9)``."""
    file, _, line = (change.line or "").rpartition(":")
    return f"{change.name} ({Path(file).name}:{line})" if file else change.name


def _places(changes: Sequence[Change]) -> str:
    return ", ".join(map(place, changes))


def as_input(change: Change) -> str:
    """The advice that keeps state whatever happens to buffers: make it an input and an output."""
    name = change.name.rpartition(".")[2]
    return (
        f"take it as an input, def forward(self, x, {name}), and return its new value as an output, "
        "which the application passes on"
    )


class Carried:
    """The state of a model, followed through quantization and lowering."""

    def __init__(
        self, program: ExportedProgram, note: Callable[[str], None], unregistered: Sequence[Change] = ()
    ) -> None:
        """Begin with the exported program, which lacks the `unregistered`; `note` gets a sentence on each loss."""
        changes = mutation.of_program(program)
        self.changes = replace(changes, buffers=(*changes.buffers, *unregistered))
        self._note = note
        self._before = program.module(check_guards=False) if self.changes.buffers else None
        self._lost = tuple(unregistered)
        self._steps = 0
        self._note_training()
        for change in unregistered:
            leaf = change.name.rpartition(".")[2]
            note(
                f"the .pte keeps no state in {change.name}: torch.export drops what forward assigns to a plain "
                f'attribute; make it a buffer, self.register_buffer("{leaf}", ...), or {as_input(change)}'
            )

    def _note_training(self) -> None:
        statistics = [change for change in self.changes.buffers if change.normalization]
        if statistics:
            names = ", ".join(sorted({change.module or "the model" for change in statistics}))
            self._note(f"{names} is in training mode and changes {_places(statistics)} as it runs: call eval() on it")

    def steps(self, calibration: Sequence[Inputs], inferences: int) -> Sequence[Inputs]:
        """The inputs to calibrate on, one inference after another."""
        if not self.changes.state or len(calibration) > 1:
            return calibration
        self._steps = max(CALIBRATED, inferences)
        return list(calibration) * self._steps

    def quantized(self, module: GraphModule, program: ExportedProgram) -> None:
        """Note what quantization, which made `module` and from it `program`, lost."""
        if self._before is None:
            return
        if self._steps:
            self._note(
                f"calibrated on {self._steps} inferences in a row with the model's example inputs, since the first "
                f"sees only the initial state; ModelCalibration sets another sequence"
            )
        fewer = mutation.fewer_writes(self._before, module)
        copied = tuple(change for change in self.changes.buffers if change.name in fewer)
        self._lose(copied, "after quantization the program changes only a copy")
        self._lose(mutation.lost(self.changes, program), "quantization turns it into a constant")

    def lowered(self, program: ExportedProgram) -> None:
        """Note what lowering, which made `program`, lost, and what is kept in the end."""
        self._lose(mutation.lost(self.changes, program), "lowering drops it")
        kept = [change for change in self.changes.state if change not in self._lost]
        if kept:
            self._note(
                f"the model has state in {_places(kept)}: the .pte keeps it from one inference to the next, "
                "until the platform boots again"
            )
        for change in kept:
            if not change.zero:
                self._note(
                    f"the .pte does not hold the initial value of {place(change)}, and starts from whatever is in "
                    f"memory, mostly zeros: initialize the buffer with zeros, or {as_input(change)}"
                )
        if returned := mutation.returned(program):
            numbers = ", ".join(map(str, range(len(returned))))
            self._note(
                f"forward changes its input {_places(self.changes.inputs)}: the .pte returns it as output {numbers},"
                " before the model's own"
            )

    def _lose(self, changes: Sequence[Change], why: str) -> None:
        lost = [change for change in changes if change not in self._lost]
        self._lost = (*self._lost, *lost)
        for change in lost:
            if change.read:
                name = change.name.rpartition(".")[2]
                self._note(
                    f"the .pte keeps no state in {place(change)}: {why}, so each inference starts afresh; compute its "
                    f"new value first and write it once, self.{name}.copy_(new), or {as_input(change)}"
                )
            elif not change.normalization:
                self._note(f"the .pte does not keep {place(change)}; no output depends on it")

    def state(self, model: torch.nn.Module, samples: Samples, outputs: Sequence[TensorInfo]) -> ModelState | None:
        """The state as it matters for comparing outputs; `model` is the float model."""
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

    def _needed_from(
        self, model: torch.nn.Module, inputs: Sequence[Inputs], outputs: Sequence[TensorInfo]
    ) -> int | None:
        """The first inference whose outputs differ without state."""
        names = [change.name for change in self.changes.buffers]
        carried = list(mutation.run(model, inputs, names))
        for k, anew in enumerate(mutation.run(model, inputs, names, anew=True)):
            # The inputs that a program returns are not among the model's own outputs.
            infos = outputs[len(outputs) - len(anew) :]
            if any(_differ(a, b, info) for a, b, info in zip(carried[k], anew, infos, strict=False)):
                return k
        return None


def _differ(a: torch.Tensor, b: torch.Tensor, info: TensorInfo) -> bool:
    x, y = a.double(), b.double()
    largest = float(x.abs().max()) if x.numel() else 0.0
    allowed = info.step if info.step is not None else FLOAT_TOLERANCE * largest
    return bool(((x - y).abs() > allowed).any())
