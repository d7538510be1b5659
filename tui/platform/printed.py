"""Elements of outputs as runners print them, brought to the form of ExecuTorch's own: ``Output[0][1]: (float) 2.5``.

Sources: ExecuTorch's examples/arm/executor_runner for bare metal, the same runner under Zephyr, and a port to PSoC Edge
under RT-Thread.
"""

import re
import struct

_ZEPHYR_HEAD = re.compile(r"\s*output\[(\d{1,6})\]: tensor scalar_type=(\w{1,20}) numel=(\d{1,9})\s*$")
_ZEPHYR_ELEMENT = re.compile(r"\s*\[(\d{1,9})\] = (-?\d{1,40}(?:\.\d{6})?|-?nan|-?inf)\s*$")
_ZEPHYR_KINDS = {"Float": "float", "Int": "int", "Char": "char"}
_BITS = re.compile(r"\[executorch\] output(\d{1,6})\[(\d{1,9})\] float_bits=0x([0-9a-f]{8})\s*$")


class Printed:
    """The lines of a console one after the other: some tell elements, others which output the next ones are of."""

    def __init__(self) -> None:
        self._output: tuple[int, str] | None = None
        """Number and kind of the output that is being listed."""

    def canonical(self, text: str) -> str:
        """Return a message that tells an element in the form of ExecuTorch's runner, any other as it is."""
        if match := _BITS.match(text):
            (value,) = struct.unpack(">f", bytes.fromhex(match[3]))
            return f"Output[{match[1]}][{match[2]}]: (float) {value:.6f}"
        if match := _ZEPHYR_HEAD.match(text):
            kind = _ZEPHYR_KINDS.get(match[2])
            self._output = None if kind is None else (int(match[1]), kind)
        elif self._output is not None:
            if match := _ZEPHYR_ELEMENT.match(text):
                output, kind = self._output
                return f"Output[{output}][{match[1]}]: ({kind}) {match[2]}"
            if text.strip():
                self._output = None
        return text
