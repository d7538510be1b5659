"""The firmware: told by its content, and what its ELF file says of functions, kernels and memory."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from tui.toolchain import elf, firmware_images

THUMB = 1
"""Lowest bit of a function's address: its instructions are Thumb's."""

_KERNEL = re.compile(rb"(?<=\0)[a-z]\w{1,40}::\w{1,80}(?:\.\w{1,60})?(?=\0)")
_METHOD_POOL = "activationBuf"


class ImageError(Exception):
    """A file that is no firmware which this engine can run; one line."""


@dataclass(frozen=True)
class Layout:
    """Facts about an image that its symbols do not tell: sizes in bytes, which it prints when it boots."""

    program_size: int
    inputs_size: int
    outputs_size: int
    temporary_size: int
    arguments: Mapping[str, int]
    """Values that a call of a kernel passes, where other releases of ExecuTorch pass another number of them."""


LAYOUTS = {
    firmware_images.CORSTONE_300.sha256: Layout(
        program_size=32 << 20,
        inputs_size=16 << 20,
        outputs_size=16 << 20,
        temporary_size=firmware_images.TEMPORARY_BYTES,
        # ExecuTorch 1.1's backends/cortex_m/ops/operators.yaml: the schema's, the out tensor, and what is returned.
        arguments={
            "cortex_m::quantized_conv2d.out": 14,
            "cortex_m::quantized_depthwise_conv2d.out": 15,
            "cortex_m::quantized_add.out": 13,
            "cortex_m::quantized_avg_pool2d.out": 9,
        },
    ),
}
"""Images that this engine runs, by sha256."""


@dataclass(frozen=True)
class Image:
    """An image that can be run."""

    path: Path
    sha256: str
    layout: Layout
    functions: Mapping[str, int] = field(repr=False)
    """Addresses without the Thumb bit, by symbol."""
    kernels: frozenset[str] = field(repr=False)
    """Operators it has kernels for: ``aten::add.out``."""
    method_pool: int | None
    """Bytes of the pool for planned buffers and inputs; None where it does not tell."""

    def addresses(self, symbols: Iterable[str]) -> dict[str, int]:
        """The addresses of functions.

        Raises:
            ImageError: it lacks one.
        """
        names = list(symbols)
        lacking = [symbol for symbol in names if symbol not in self.functions]
        if lacking:
            raise ImageError(f"{self.path} has no function {lacking[0]}: it was stripped, or is another release")
        return {symbol: self.functions[symbol] for symbol in names}


def is_known(path: Path) -> bool:
    """Return True if a file is an image that this engine runs, by its content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() in LAYOUTS
    except OSError:
        return False


def load(path: Path) -> Image:
    """The image in a file.

    Raises:
        ImageError: it cannot be read, or is not one of those that are known.
    """
    try:
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 not in LAYOUTS:
            raise ImageError(
                f"{path} is not {firmware_images.CORSTONE_300.what}: no other firmware is known to this engine"
            )
        with path.open("rb") as file:
            symbols = list(elf.symbols(ELFFile(file)))
    except OSError as error:
        raise ImageError(f"no firmware at {path}: {error.strerror}") from error
    except (ELFError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise ImageError(f"{path} is not an ELF file, or is damaged") from error
    sizes = [symbol.size for symbol in symbols if _METHOD_POOL in symbol.name and symbol.type == elf.OBJECT]
    return Image(
        path=path,
        sha256=sha256,
        layout=LAYOUTS[sha256],
        functions={s.name: s.value & ~THUMB for s in symbols if s.type == elf.FUNCTION},
        kernels=frozenset(name.decode("ascii") for name in _KERNEL.findall(data)),
        method_pool=sizes[0] if sizes else None,
    )
