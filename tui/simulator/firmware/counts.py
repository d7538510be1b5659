"""Instructions that the CPU has executed, written as a file of JSON lines that can be read while it grows.

``{"execute": N}`` where the runtime begins to execute a method, ``{"step": N}`` before each instruction of its plan,
``{"return": N}`` where it is done. N are all instructions since the reset.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TextIO

from tui.simulator.firmware.core import Core

EXECUTE = "_ZN10executorch7runtime6Method7executeEv"
STEP = "_ZN10executorch7runtime6Method19execute_instructionEv"
SYMBOLS = (EXECUTE, STEP)


class Counts:
    """Hooks where the runtime executes a method and each of its instructions."""

    def __init__(self, core: Core, functions: Mapping[str, int], path: Path | None) -> None:
        """Begin the file, if there is to be one.

        Raises:
            OSError: it cannot be written.
        """
        self._core = core
        self._file: TextIO | None = None if path is None else path.open("w", encoding="ascii", buffering=1)
        self.hooks: dict[int, Callable[[], None]] = {functions[EXECUTE]: self._execute, functions[STEP]: self._step}
        """Hooks by address; one is added where a method returns to."""

    def _execute(self) -> None:
        self._write("execute")
        back = self._core.return_address
        if back not in self.hooks:
            self.hooks[back] = self._returned
            self._core.stop_at(back)
        self._core.enter()

    def _step(self) -> None:
        self._write("step")
        self._core.enter()

    def _returned(self) -> None:
        self._write("return")
        self._core.enter()

    def _write(self, what: str) -> None:
        if self._file is not None:
            self._file.write(json.dumps({what: self._core.instructions()}) + "\n")

    def close(self) -> None:
        """Complete the file."""
        if self._file is not None:
            self._file.close()
