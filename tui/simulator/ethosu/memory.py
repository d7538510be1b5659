"""The memory an NPU sees: regions by number, and the one inside it for tables. Every access is bounded by its region.

Region 0 holds constants and is read-only; 1 is the scratch arena, in which inputs and outputs lie too; 2 is the fast
scratch of the dedicated-SRAM modes. A command stream is untrusted: offsets, strides and sizes are checked before use.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tui.simulator.ethosu.errors import CommandStreamError

NDArray = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]


class Memory:
    """Regions as flat uint8 arrays; those in `read_only` cannot be written."""

    def __init__(
        self, regions: Mapping[int, Bytes], internal_bytes: int, read_only: frozenset[int] = frozenset({0})
    ) -> None:
        self._regions = dict(regions)
        self._read_only = read_only
        self.internal: Bytes = np.zeros(internal_bytes, np.uint8)
        """LUT RAM of the U85, a core's SHRAM of U55 and U65."""
        self.element_limit = 65_536 + sum(len(region) for region in self._regions.values())
        """No tensor of a sound stream has more elements than there are bytes; broadcast ones are read as they are."""

    def is_constant(self, region: int) -> bool:
        """Return True if nothing can write to a region."""
        return region in self._read_only

    def region(self, number: int) -> Bytes:
        """A region whole.

        Raises:
            CommandStreamError: there is none of that number.
        """
        if number not in self._regions:
            raise CommandStreamError(f"region {number} is not there")
        return self._regions[number]

    def check_elements(self, shape: Sequence[int], times: int = 1) -> None:
        """Refuse a shape no tensor of this memory can have.

        Raises:
            CommandStreamError: it has more elements than the memory has bytes, or `times` as many.
        """
        if math.prod(shape) > self.element_limit * times:
            sizes = "x".join(str(extent) for extent in shape)
            raise CommandStreamError(f"a tensor of {sizes} elements does not fit the memory there is")

    def view(
        self,
        number: int,
        dtype: np.dtype[Any],
        offset: int,
        shape: Sequence[int],
        strides: Sequence[int],
        *,
        write: bool,
    ) -> NDArray:
        """A view of `shape` at byte `offset` with byte `strides`.

        Raises:
            CommandStreamError: any of its bytes lies outside the region, or it is to be written and may not be.
        """
        region = self.region(number)
        if write and number in self._read_only:
            raise CommandStreamError(f"region {number} is read-only")
        self.check_elements(shape)
        spans = [(extent - 1) * stride for extent, stride in zip(shape, strides, strict=True)]
        first = offset + sum(span for span in spans if span < 0)
        last = offset + sum(span for span in spans if span > 0) + dtype.itemsize
        if first < 0 or last > len(region):
            raise CommandStreamError(f"bytes {first}..{last} are outside region {number} of {len(region)} bytes")
        return np.ndarray(tuple(shape), dtype, region.data, offset, tuple(strides))

    def place(self, number: int, offset: int, length: int, *, internal: bool, write: bool) -> Bytes:
        """An end of a DMA transfer: `length` bytes of a region, or of the memory for tables.

        Raises:
            CommandStreamError: they lie outside it.
        """
        if not internal:
            return self.bytes_at(number, offset, length, write=write)
        if offset < 0 or offset + length > len(self.internal):
            raise CommandStreamError(
                f"bytes {offset}..{offset + length} are outside the {len(self.internal)} bytes for tables"
            )
        return self.internal[offset : offset + length]

    def bytes_at(self, number: int, offset: int, length: int, *, write: bool = False) -> Bytes:
        """`length` bytes at `offset`; an empty array for none.

        Raises:
            CommandStreamError: they lie outside the region.
        """
        if length <= 0:
            return np.zeros(0, np.uint8)
        return self.view(number, np.dtype(np.uint8), offset, (length,), (1,), write=write)
