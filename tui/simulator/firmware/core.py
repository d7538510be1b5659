"""The emulated CPU while it stands still at a breakpoint: arguments, results, and how much it has executed."""

import re
import struct

from tui.simulator.firmware.image import THUMB
from tui.simulator.firmware.rsp import LR, PC, SP, Client, RspError

IN_REGISTERS = 4
"""Arguments of a function that registers hold; the others are on the stack. Source: Arm's procedure call standard."""

_COUNT = re.compile(r"instruction count = (\d{1,19})")


class Core:
    """The CPU of a stopped guest."""

    def __init__(self, gdb: Client) -> None:
        self._gdb = gdb
        self._registers: list[int] = []
        self._saved: list[int] = []

    @property
    def pc(self) -> int:
        """Address it stands at."""
        return self._registers[PC]

    @property
    def return_address(self) -> int:
        """Address the function returns to, at whose beginning it stands."""
        return self._registers[LR] & ~THUMB

    def argument(self, number: int) -> int:
        """An argument, a 32-bit word, of the function at whose beginning it stands."""
        if number < IN_REGISTERS:
            return self._registers[number]
        return self.words(self._registers[SP] + 4 * (number - IN_REGISTERS), 1)[0]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """32-bit words of memory, whichever it is."""
        return struct.unpack(f"<{count}I", self.bytes(address, 4 * count))

    def bytes(self, address: int, size: int) -> bytes:
        """Memory, whichever it is."""
        return self._gdb.read(address, size)

    def instructions(self) -> int:
        """Number of instructions executed since the reset.

        Raises:
            RspError: QEMU does not tell.
        """
        match = _COUNT.search(self._gdb.command("info replay"))
        if match is None:
            raise RspError("QEMU does not tell how many instructions it has executed")
        return int(match[1])

    def stop_at(self, address: int) -> None:
        """Have it stop before the instruction at an address, from now on."""
        self._gdb.set_breakpoint(address)

    def go(self) -> None:
        """Let it run to the next breakpoint."""
        self._gdb.go()
        self._registers = self._gdb.registers()

    def enter(self) -> None:
        """Execute the instruction it stands at, breakpoint or not."""
        self._gdb.step()

    def answer(self, value: int, high: int = 0) -> None:
        """Leave the function at whose beginning it stands with a result of 32 bits, or 64."""
        self._gdb.set_registers({0: value, 1: high, PC: self._registers[LR] & ~THUMB})

    def pass_on(self, number: int, value: int) -> None:
        """Change an argument, one that a register holds, of the function at whose beginning it stands."""
        self._gdb.set_registers({number: value})

    def instead(self, function: int) -> None:
        """Go to another function, with the same arguments, in the place of the one at whose beginning it stands."""
        self._gdb.set_registers({PC: function})

    def call(self, function: int, argument: int) -> None:
        """Call a function from here, to which it comes back; then `resume` undoes what it changed."""
        self._saved = self._registers
        self._gdb.set_registers({0: argument, LR: self.pc | THUMB, PC: function})

    def resume(self) -> None:
        """Undo what the function changed that `call` called: registers that a caller does not expect to change."""
        self._gdb.set_registers({number: self._saved[number] for number in (*range(IN_REGISTERS), LR)})
