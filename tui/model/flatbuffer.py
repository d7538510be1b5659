"""Read a flatbuffer table by table, without code generated from its schema.

The file is untrusted: every offset and length is checked against its end, and the bytes read in total are bounded.
"""

import struct
from typing import Any

SHARING = 8
"""Times that the bytes of a file may be read on average: parts may be shared, within limits."""


class DamagedError(Exception):
    """The bytes cannot be read as a flatbuffer; one line."""


class Budget:
    """Bytes that may still be read from a file, whose parts may refer to the same bytes repeatedly."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self, count: int) -> None:
        """Subtract `count` bytes.

        Raises:
            DamagedError: fewer are left.
        """
        self._left -= count
        if self._left < 0:
            raise DamagedError("its parts refer to the same bytes over and over")


class Table:
    """A flatbuffer table at byte `at`, read field by field; fields are numbered as in the schema."""

    def __init__(self, data: memoryview, at: int, budget: Budget) -> None:
        self._data = data
        self._at = at
        self.budget = budget
        offset = unpack(data, "<i", at)
        self._vtable = at - offset
        self._vtable_size = unpack(data, "<H", self._vtable)

    def _position(self, field: int) -> int | None:
        slot = 4 + 2 * field
        if slot + 2 > self._vtable_size:
            return None
        offset = unpack(self._data, "<H", self._vtable + slot)
        return self._at + offset if offset else None

    def number(self, field: int, code: str, default: int | float = 0) -> Any:
        """A scalar of struct code `code`."""
        position = self._position(field)
        return default if position is None else unpack(self._data, f"<{code}", position)

    def table(self, field: int) -> "Table | None":
        """A sub-table."""
        position = self._position(field)
        return None if position is None else self._at_offset(position)

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """(first byte, element count) of a vector whose elements have `size` bytes."""
        position = self._position(field)
        if position is None:
            return 0, 0
        start = position + unpack(self._data, "<I", position)
        count = unpack(self._data, "<I", start)
        if start + 4 + count * size > len(self._data):
            raise DamagedError(f"a list of {count} elements at byte {start} goes beyond the end of the file")
        self.budget.spend(count * size)
        return start + 4, count

    def numbers(self, field: int, code: str) -> tuple[Any, ...]:
        """A vector of scalars."""
        start, count = self._vector(field, struct.calcsize(f"<{code}"))
        return struct.unpack_from(f"<{count}{code}", self._data, start) if count else ()

    def bytes(self, field: int) -> memoryview:
        """A vector of bytes."""
        start, count = self._vector(field, 1)
        return self._data[start : start + count]

    def text(self, field: int) -> str:
        """A name."""
        text = bytes(self.bytes(field)).decode("utf-8", "replace")
        if not text.isprintable():
            raise DamagedError(f"a name holds unprintable characters: {text[:60]!a}")
        return text

    def tables(self, field: int) -> list["Table"]:
        """A vector of tables."""
        start, count = self._vector(field, 4)
        places = range(start, start + 4 * count, 4)
        return [self._at_offset(place) for place in places]

    def _at_offset(self, place: int) -> "Table":
        return Table(self._data, place + unpack(self._data, "<I", place), self.budget)


def unpack(data: memoryview, code: str, at: int) -> Any:
    """The scalar of struct code `code` at byte `at`.

    Raises:
        DamagedError: it is outside of `data`.
    """
    if at < 0:
        raise DamagedError("an offset points before the beginning of the file")
    try:
        return struct.unpack_from(code, data, at)[0]
    except struct.error as error:
        raise DamagedError(f"byte {at} is beyond the end of the file: it is cut short or damaged") from error


def root(data: memoryview) -> Table:
    """The root table of a file.

    Raises:
        DamagedError: there is none. Reading its fields raises it, too.
    """
    return Table(data, unpack(data, "<I", 0), Budget(SHARING * len(data)))
