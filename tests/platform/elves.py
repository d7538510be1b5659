"""ELF files for an Arm Cortex-M, just large enough to be told apart: one segment with the texts of a kind of runner."""

import struct
from pathlib import Path

from tui.platform.firmware import Kind

ARM, X86_64 = 40, 62
HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIIIIIII")

TEXTS: dict[Kind, bytes] = {
    "semihosting": b"Running executor with parameter:\0   %s %s\0PTE @ %p\0",
    "address": b"model_pte_program_size: %lu bytes. (pte size unknown when not baked into elf)\0PTE @ %p\0",
    "embedded": b"PTE @ %p\0ET12\0",
    "mlek": b"[Internal only] Ethos-U Evaluation Kit\0[ExecuTorch: %s\0",
}


def elf(content: bytes, machine: int = ARM) -> bytes:
    """A file with one segment to load."""
    begin = -(-(HEADER.size + PROGRAM_HEADER.size) // 16) * 16
    identification = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head = HEADER.pack(
        identification, 2, machine, 1, 0, HEADER.size, 0, 0, HEADER.size, PROGRAM_HEADER.size, 1, 40, 0, 0
    )
    load = PROGRAM_HEADER.pack(1, begin, 0x1000, 0x1000, len(content), len(content), 5, 16)
    return (head + load).ljust(begin, b"\0") + content


def write(path: Path, kind: Kind, program: bytes = b"") -> Path:
    """A runner of a kind at `path`, with a program inside."""
    texts = TEXTS[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(elf(texts.ljust(-(-len(texts) // 16) * 16, b"\0") + program + bytes(64)))
    return path
