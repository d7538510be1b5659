"""The ETDump of a runner that was built with an event tracer: a file it wrote, or base64 on its console.

Source: ExecuTorch's examples/arm/executor_runner/arm_executor_runner.cpp, write_etdump.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

ETDUMP = "etdump.bin"
FILES = (ETDUMP, "debug_buffer.bin")
"""Files to write: times of the events; tensors between operators, where the runner was built to keep those."""

_PRINTED = re.compile(rb'echo "([^"]*)" \| base64 -d ?>\s?(etdump\.bin|debug_buffer\.bin)')
_LENGTH = re.compile(rb"\[base64\] buffer size: (\d{1,12})\s")
"""Printed before them: the length of the longest of its texts. Letters that others wrote into one are base64
too, and only this tells of them."""


def files(folder: Path, console: bytes) -> Iterator[tuple[str, bytes | None]]:
    """(name, content) of each file: from the runner's folder, else the last of its name on the console.

    The content is None where what was printed is not whole.
    """
    printed = {name.decode("ascii"): text for text, name in _PRINTED.findall(console)}
    lengths = _LENGTH.findall(console)
    whole = not lengths or max(map(len, printed.values()), default=0) == int(lengths[-1])
    for name in FILES:
        path = folder / name
        if path.is_file():
            yield name, path.read_bytes()
        elif name in printed:
            yield name, _decoded(printed[name]) if whole else None


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
