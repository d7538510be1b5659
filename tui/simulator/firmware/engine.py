"""A run of the firmware: boot, the NPU where the driver comes to it, the console as it comes, outputs at the end."""

import re
from collections.abc import Callable
from typing import BinaryIO

from tui.model import pte
from tui.simulator.delegate import EthosU
from tui.simulator.ethosu.stream import Command
from tui.simulator.executor_runner import NO_CYCLES, Estimate, RunnerError
from tui.simulator.firmware import counts, device, driver, preflight
from tui.simulator.firmware.accelerator import Accelerator
from tui.simulator.firmware.board import Board
from tui.simulator.firmware.core import Core
from tui.simulator.firmware.counts import Counts
from tui.simulator.firmware.driver import Driver
from tui.simulator.firmware.image import ImageError
from tui.simulator.firmware.memory import GuestMemory, GuestMemoryError
from tui.simulator.firmware.rsp import RspError
from tui.simulator.firmware.start import Boot
from tui.toolchain import boards
from tui.toolchain.qemu import QemuError

EXIT = "_exit"
FAULT = "DefaultHandler"
"""The end of all fault handlers: it prints registers, then loops for ever."""

FOR_EVER = b"\xfe\xe7"
"""``b .``, a branch to itself."""
_HANDLER_BYTES = 148
OK, FAILED = 0, 1

WORDS = {"I": "Info", "W": "Warning", "E": "Error"}
"""Levels in the FVP's words."""

_PLACES = {
    "program": re.compile(rb"Model pointer: (0x[0-9a-fA-F]{1,8})"),
    "input": re.compile(rb"with data read from (0x[0-9a-fA-F]{1,8})"),
    "output": re.compile(rb"copied to (0x[0-9a-fA-F]{1,8})"),
}
"""Lines in which the firmware states its addresses."""


class EngineError(RunnerError):
    """The firmware cannot be run, or not to its end; one line."""


class Engine:
    """A boot of the firmware."""

    def __init__(
        self,
        boot: Boot,
        out: BinaryIO,
        estimate: Estimate,
        observe: Callable[[EthosU, Command], None] | None = None,
    ) -> None:
        """`out` takes the console; `observe` is told the delegate and each NPU operation it has executed."""
        self._boot = boot
        self._out = out
        self._estimate = estimate
        self._observe = observe
        self._line = b""
        self._said: dict[str, int] = {}
        self.simulated_s: float | None = None
        """NPU time by the cycle model; None where that has no figure."""
        self.instructions: int | None = None
        """Instructions of the CPU from its reset to its end; None until there."""

    def run(self) -> int:
        """Run the firmware to its end; its exit status.

        Raises:
            EngineError: it cannot be run, or not to its end.
        """
        boot = self._boot
        delegates = self._delegates()
        try:
            functions = boot.image.addresses((*driver.SYMBOLS, *counts.SYMBOLS, EXIT, FAULT))
            with GuestMemory() as memory, Board(boot.qemu, boot.image.path, memory, self._console) as board:
                for address, data in boot.placed:
                    memory.place(address, data)
                device.place(memory, delegates)
                pmu = boards.of(boot.accelerator).npu.pmu
                accelerator = Accelerator(memory, delegates, pmu, self._estimate, self._observe)
                try:
                    status = self._execute(board, functions, accelerator)
                except RspError as error:
                    raise EngineError(f"QEMU: {board.why_ended() or error}") from error
                finally:
                    board.flush()
                self._check_places()
                for dump in boot.dumps:
                    dump.path.write_bytes(memory.view(dump.address, dump.size).tobytes())
        except (ImageError, QemuError, GuestMemoryError) as error:
            raise EngineError(str(error)) from error
        except OSError as error:
            raise EngineError(f"{error.filename or 'the firmware engine'}: {error.strerror}") from error
        return status

    def _delegates(self) -> list[EthosU]:
        """The delegates of the program, once nothing stands against running it; none without a program."""
        boot = self._boot
        if boot.program is None:
            return []
        if obstacles := preflight.obstacles(boot.program, boot.image, boot.accelerator):
            raise EngineError("; ".join(map(str, obstacles)))
        program = pte.parse(boot.program)
        return [EthosU(delegate, program.named_data) for delegate in program.main.delegates]

    def _execute(self, board: Board, functions: dict[str, int], accelerator: Accelerator) -> int:
        """Run it from the reset to `_exit`, whose argument is the status."""
        core = Core(board.gdb)
        counting = Counts(core, functions, self._boot.counts)
        npu = Driver(core, functions, accelerator, lambda what: self.log("E", f"NPU: {what}"))
        hooks = {functions[FAULT]: lambda: self._faulted(core)}
        try:
            for address in (*counting.hooks, *npu.hooks, *hooks, functions[EXIT]):
                core.stop_at(address)
            while True:
                core.go()
                board.flush()
                if core.pc == functions[EXIT]:
                    break
                hook = npu.hooks.get(core.pc) or counting.hooks.get(core.pc) or hooks.get(core.pc)
                if hook is None:
                    raise EngineError(f"the CPU stopped at {core.pc:#x}, where nothing waits for it")
                hook()
                if accelerator.unknown is not None:
                    self.log("I", NO_CYCLES.format(accelerator.unknown))
                    accelerator.unknown = None
            self.instructions = core.instructions()
            return FAILED if core.argument(0) or npu.failed else OK
        finally:
            self.simulated_s = accelerator.seconds
            counting.close()

    def _faulted(self, core: Core) -> None:
        """The firmware's fault handler begins: let it print what it has to say, and end instead of looping."""
        end = core.bytes(core.pc, _HANDLER_BYTES).find(FOR_EVER)
        if end >= 0:
            core.stop_at(core.pc + end)
            core.enter()
            core.go()
        raise EngineError("the firmware reached its fault handler, whose report is above")

    def log(self, level: str, text: str) -> None:
        """A line of our own on the console, as the FVP writes its own."""
        self._write(f"{WORDS[level]}: fvp-sim: {text}\n".encode())

    def _write(self, data: bytes) -> None:
        self._out.write(data)
        self._out.flush()

    def _console(self, data: bytes) -> None:
        self._write(data)
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            for what, pattern in _PLACES.items():
                if match := pattern.search(line):
                    self._said[what] = int(match[1], 16)

    def _check_places(self) -> None:
        """Say where the firmware looked, if nothing was placed there, or nothing is read from there."""
        placed = {address for address, _ in self._boot.placed}
        expected = {"program": placed, "input": placed, "output": {dump.address for dump in self._boot.dumps}}
        for what, address in self._said.items():
            if expected[what] and address not in expected[what]:
                self.log("W", f"the firmware has its {what} at {address:#x}, where the command line has none")
