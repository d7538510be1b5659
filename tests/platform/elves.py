"""ELF files for an Arm Cortex-M, just large enough to be told apart: one segment with the texts of a kind of runner."""

import struct
from collections.abc import Mapping
from pathlib import Path

from tui.platform.runner import Kind

ARM, X86_64 = 40, 62
HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIIIIIII")

SECTION = struct.Struct("<10I")
SYMBOL = struct.Struct("<IIIBBH")
OBJECT = 0x11
"""A global object."""

TEXTS: dict[Kind, bytes] = {
    "semihosting": b"Running executor with parameter:\0   %s %s\0PTE @ %p\0",
    "address": b"model_pte_program_size: %lu bytes. (pte size unknown when not baked into elf)\0PTE @ %p\0",
    "embedded": b"PTE @ %p\0ET12\0",
    "mlek": b"[Internal only] Ethos-U Evaluation Kit\0[ExecuTorch: %s\0",
}


def elf(content: bytes, machine: int = ARM, objects: Mapping[str, int] | None = None) -> bytes:
    """A file with one segment to load, and a symbol table of objects with their sizes where there are any."""
    begin = -(-(HEADER.size + PROGRAM_HEADER.size) // 16) * 16
    sections, count = _symbol_table(objects, begin + len(content)) if objects else (b"", 0)
    at = begin + len(content) + len(sections) - count * SECTION.size if count else 0
    identification = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    last = max(0, count - 1)
    head = HEADER.pack(
        identification, 2, machine, 1, 0, HEADER.size, at, 0, HEADER.size, PROGRAM_HEADER.size, 1, 40, count, last
    )
    load = PROGRAM_HEADER.pack(1, begin, 0x1000, 0x1000, len(content), len(content), 5, 16)
    return (head + load).ljust(begin, b"\0") + content + sections


def _symbol_table(objects: Mapping[str, int], at: int) -> tuple[bytes, int]:
    """The content of three sections, which lies at `at`, and their headers; the number of headers."""
    names, symbols = b"\0", SYMBOL.pack(0, 0, 0, 0, 0, 0)
    for name, size in objects.items():
        symbols += SYMBOL.pack(len(names), 0x1000, size, OBJECT, 0, 1)
        names += name.encode() + b"\0"
    own = b"\0.symtab\0.strtab\0.shstrtab\0"
    parts, headers = b"", SECTION.pack(*[0] * 10)
    for kind, content, link, entry in ((2, symbols, 2, SYMBOL.size), (3, names, 0, 0), (3, own, 0, 0)):
        name = own.index((b".symtab", b".strtab", b".shstrtab")[len(headers) // SECTION.size - 1])
        headers += SECTION.pack(name, kind, 0, 0, at + len(parts), len(content), link, 1, 1, entry)
        parts += content
    return parts + headers, len(headers) // SECTION.size


def write(path: Path, kind: Kind, program: bytes = b"", objects: Mapping[str, int] | None = None) -> Path:
    """A runner of a kind at `path`, with a program inside, and symbols of objects with their sizes."""
    texts = TEXTS[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = texts.ljust(-(-len(texts) // 16) * 16, b"\0") + program + bytes(64)
    path.write_bytes(elf(content, objects=objects))
    return path
