"""Outputs of a run's inferences: kept as files, and checked against the references."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from tui.compile.links import state_links
from tui.model import pte, tensors
from tui.model.tensors import NDArray, TensorInfo
from tui.pipeline import check
from tui.pipeline.answers import Answers
from tui.pipeline.record import Ended, Record
from tui.pipeline.requests import Requests
from tui.run import events
from tui.run.check import Check
from tui.simulator import miscompiled
from tui.simulator.delegate import DelegateError
from tui.simulator.ethosu.errors import CommandStreamError

OUTPUTS = "outputs.npz"
FURTHER_OUTPUTS = "outputs_{}.npz"
"""Outputs of an inference that was asked for while the platform stayed, by its number."""


class Outputs:
    """The bytes of each output, by inference; one that gave none is not among them."""

    def __init__(self, record: Record, requests: Requests, *, booted_each: bool) -> None:
        """`booted_each` is True if each inference has a boot of its own."""
        self._record = record
        self._requests = requests
        self._booted_each = booted_each
        self._answers = Answers(record.artifacts, requests.manifest)
        self._taken: dict[int, list[bytes]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Number of inferences that have given outputs."""
        return len(self._taken)

    def take(self, inference: int, outputs: list[bytes]) -> None:
        """Take an inference's outputs; of one that was asked for later, keep them and show the check so far."""
        # From several threads, where processes of the platform are side by side.
        with self._lock:
            self._taken[inference] = outputs
            on_sample = self._requests.inputs(inference) is None
            if (answered := self._answers.answered(inference, outputs, on_sample=on_sample)) is not None:
                self._record.emit(answered)
        if inference >= self._requests.manifest.inferences:
            self._write(self._record.artifacts / FURTHER_OUTPUTS.format(inference), {inference: outputs})
            ended = [k for k in self._requests.checkable() if k in self._taken]
            self._record.emit(events.Checked(check=self._compare(ended)))

    def keep(self) -> None:
        """Write the outputs of all inferences to a file."""
        if self._taken:
            self._write(self._record.artifacts / OUTPUTS, self._taken)

    def _write(self, path: Path, outputs: Mapping[int, Sequence[bytes]]) -> None:
        flat = {f"{k}_{at}": data for k, one in outputs.items() for at, data in enumerate(one)}
        np.savez_compressed(path, **{name: np.frombuffer(data, np.uint8) for name, data in flat.items()})
        self._record.keep(path)

    def check(self, *, printed: bool) -> None:
        """Compare them with the references; `printed` on a console, fractions have six decimals.

        Raises:
            Ended: they are not those that are bundled with the program.
        """
        result = self._compare(self._requests.checkable(), printed=printed)
        self._record.emit(events.Checked(check=result))
        if result.reference == "bundle" and result.status == "mismatch":
            # The expectation came with the program: that it is not met is this run's failure.
            raise Ended(f"the outputs are not those bundled with the program: {result.links[-1].reason}")

    def _compare(self, inferences: Sequence[int], *, printed: bool = False) -> Check:
        manifest = self._requests.manifest
        result = check.compare(
            self._record.artifacts,
            manifest,
            [tensors.sample_of(manifest, k) for k in inferences],
            [self._taken[k] for k in inferences if k in self._taken],
            links=self._record.state.links,
            printed=printed,
        )
        return self._with_hint(state_links.judge(result, manifest.state, inferences, booted_each=self._booted_each))

    def _with_hint(self, result: Check) -> Check:
        """Explain a broken link to the platform by the compiler's faults, if the program's commands show any."""
        if not result.links or result.links[-1].status != "mismatch" or result.links[-1].hint is not None:
            return result
        platform = msgspec.structs.replace(result.links[-1], hint=_compiler_faults(self._record))
        return msgspec.structs.replace(result, links=(*result.links[:-1], platform))


def _compiler_faults(record: Record) -> str | None:
    """Known faults of Vela in the program's commands, each with its line and its remedy; None without any."""
    try:
        marks = list(miscompiled.marks(record.program()))
    except (pte.PteError, DelegateError, CommandStreamError):
        return None
    lines = {(o.partition, offset): o.line for o in record.state.operators for offset in o.commands}
    firsts = {(mark.fault, mark.remedy): mark for mark in reversed(marks)}
    faults = []
    for fault, remedy in dict.fromkeys((mark.fault, mark.remedy) for mark in marks):
        mark = firsts[fault, remedy]
        line = lines.get((mark.partition, mark.offset))
        faults.append(f"a fault of Vela: {fault}{f', first at {line}' if line else ''}; remedy: {remedy}")
    return "; ".join(faults) or None


def read(artifacts: Path, inference: int, infos: Sequence[TensorInfo]) -> tuple[NDArray, ...]:
    """Read the outputs of an inference from a run's files.

    Raises:
        OSError: the run has no file of outputs.
        KeyError: it has none of this inference.
    """
    further = artifacts / FURTHER_OUTPUTS.format(inference)
    with np.load(further if further.exists() else artifacts / OUTPUTS) as kept:
        found = [tensors.from_bytes(kept[f"{inference}_{at}"].tobytes(), info) for at, info in enumerate(infos)]
    return tuple(array.copy() for array in found)
