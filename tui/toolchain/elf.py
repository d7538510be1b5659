"""Symbols of an ELF file for a 32-bit little-endian machine, read at once: a firmware has tens of thousands."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

_ENTRY = struct.Struct("<IIIBBH")
_TYPE = 0xF
OBJECT, FUNCTION = 1, 2


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol: `type` is `OBJECT`, `FUNCTION` or another number of the ELF standard; `size` in bytes."""

    name: str
    value: int
    size: int
    type: int


def symbols(elf: ELFFile) -> Iterator[Symbol]:
    """The symbols of the symbol table; none where it was stripped, or the file is for another kind of machine."""
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection) or elf.elfclass != 32 or not elf.little_endian:
        return
    names = table.stringtable.data()
    data = table.data()
    for name, value, size, info, _, _ in _ENTRY.iter_unpack(data[: len(data) // _ENTRY.size * _ENTRY.size]):
        end = names.find(b"\0", name)
        yield Symbol(names[name : end if end >= 0 else None].decode("utf-8", "replace"), value, size, info & _TYPE)
