"""Inferences asked of a run's platform: those of its spec, and further ones while the platform stays."""

import threading
from collections.abc import Sequence

import numpy as np

from tui.errors import UserError
from tui.model.tensors import Manifest, NDArray
from tui.pipeline import program
from tui.pipeline.record import Record
from tui.platform import session

REFUSED = "its platform takes no further inferences"


class Requests:
    """Inferences by number. Further ones come from the control socket's thread while the platform is driven."""

    def __init__(self, record: Record, manifest: Manifest) -> None:
        self.manifest = manifest
        self._record = record
        self._further: list[list[NDArray] | None] = []
        """Inputs of the further inferences; None for those of the next sample."""
        self._closed = threading.Event()

    def __len__(self) -> int:
        """Number of inferences asked for by now."""
        return self.manifest.inferences + len(self._further)

    def close(self) -> bool:
        """End the wait of a platform for further inferences; False if it does not wait."""
        if self._record.state.phase != session.WAITING:
            return False
        self._closed.set()
        return True

    def add(self, files: Sequence[str]) -> int | str:
        """Ask for one more inference, on files or on the next sample: its number, or why it is refused."""
        if self._record.state.platform_pid is None or self._closed.is_set():
            return REFUSED
        try:
            arrays = program.from_files(list(files), self.manifest.inputs) if files else None
        except UserError as error:
            return str(error)
        number = len(self)
        if arrays is not None:
            path = self._record.artifacts / f"inputs_{number}.npz"
            np.savez_compressed(path, **{f"{number}_{at}": array for at, array in enumerate(arrays)})
            self._record.keep(path)
            self._record.note(f"inference {number + 1}: inputs from {', '.join(files)}; not checked")
        elif self.manifest.state is not None:
            why = f"the model has state, and the reference is for {self.manifest.inferences} in a row"
            self._record.note(f"inference {number + 1}: not checked: {why}")
        self._further.append(arrays)
        return number

    def inputs(self, inference: int) -> list[NDArray] | None:
        """The inputs an inference was asked for with; None where it takes a sample."""
        further = inference - self.manifest.inferences
        return None if further < 0 else self._further[further]

    def checkable(self) -> list[int]:
        """Inferences with a reference: on samples and, of a model with state, those of the spec in a row."""
        last = self.manifest.inferences if self.manifest.state is not None else len(self)
        return [inference for inference in range(last) if self.inputs(inference) is None]

    def demand(self, inferences: int) -> session.Demand:
        """The demand on a process that was started for so many inferences."""
        stays = self._record.spec.serve and not self._closed.is_set()
        return session.Demand(inferences + len(self._further), stays)
