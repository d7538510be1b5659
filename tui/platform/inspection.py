"""Looks into an ELF file: which kind of ExecuTorch runner it is. Told by texts that only one kind has compiled in."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from tui.errors import PlatformUnavailable
from tui.model import pte
from tui.platform.runner import Kind, Runner
from tui.run.spec import RunnerKind
from tui.toolchain import boards, firmware_images
from tui.toolchain.boards import Board
from tui.toolchain.elf import OBJECT, symbols

TEXTS: tuple[tuple[Kind, bytes], ...] = (
    ("semihosting", b"Running executor with parameter:"),
    ("mlek", b"Ethos-U Evaluation Kit"),
    ("mlek", b"ML Embedded Evaluation Kit"),
    ("address", b"pte size unknown when not baked into elf"),
)
TFLITE_TEXT, EXECUTORCH_TEXT = b"TFLM - ", b"ExecuTorch"
BUNDLE_TEXT = b"Model output match expected BundleIO"

MLEK_POOLS = {"temp_allocator": firmware_images.TEMPORARY_BYTES}
"""Sizes in bytes of the pools that Arm's inference runner has no symbol for."""

POOLS = {
    "method_allocation_pool": "method_allocator",
    "activationBuf": "method_allocator",
    "temp_allocation_pool": "temp_allocator",
}
"""Names of the arrays that a runner allocates from (Arm's own one after, in its inference runner), with the names
it prints for them."""

DRIVER = "ethosu_pmu_desc_"
"""Beginning of the name of an object of the Ethos-U driver; it ends in ``u55``, ``u65`` or ``u85``."""

_ARM = "EM_ARM"
_CACHED_ADDRESS = re.compile(r"^ET_MODEL_PTE_ADDR:\w+=(0x[0-9a-fA-F]{1,16})\s*$", re.MULTILINE)
_CACHED_NPU = re.compile(r"^ETHOSU_TARGET_NPU_CONFIG:\w+=([\w-]{1,32})\s*$", re.MULTILINE)


def inspect(
    path: Path, kind: RunnerKind = "auto", pte_address: int | None = None, board: Board = boards.DEFAULT
) -> Runner:
    """Inspect the ELF file at `path`; `kind` and `pte_address` are taken as given unless ``auto`` or None.

    Raises:
        PlatformUnavailable: it cannot be read, is no program for an Arm Cortex-M, or no runner that is known here.
    """
    try:
        data = path.read_bytes()
        with path.open("rb") as file:
            elf = ELFFile(file)
            machine = elf["e_machine"]
            segments = [segment.data() for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
            pools, driver = _pools(elf), _driver(elf)
    except OSError as error:
        raise PlatformUnavailable(f"no runner at {path}: {error.strerror}") from error
    except (ELFError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise PlatformUnavailable(
            f"{path} is not an ELF file, or is damaged", "give ExecuTorch's arm_executor_runner for this board"
        ) from error
    if _holds(segments, TFLITE_TEXT) and not _holds(segments, EXECUTORCH_TEXT):
        raise PlatformUnavailable(
            f"{path} runs TensorFlow Lite models, not ExecuTorch programs",
            "fvp-tui firmware install downloads one that does",
        )
    if machine != _ARM:
        raise PlatformUnavailable(
            f"{path} is a program for {str(machine).removeprefix('EM_')}, not for an Arm Cortex-M",
            "pass the FVP's own binary with --fvp; --runner is the program that it runs",
        )
    program = next((program for segment in segments for program in _programs(segment)), None)
    runner_kind = _kind(segments, program) if kind == "auto" else kind
    if runner_kind is None:
        raise PlatformUnavailable(
            f"{path} is not a known ExecuTorch runner",
            "state how it gets its model: --runner-kind semihosting, address, embedded or mlek",
        )
    address = pte_address if pte_address is not None else built_address(path)
    if address is None:
        # ExecuTorch's examples place a program that is not in the ELF at the start of the board's DDR.
        address = board.memory.ddr
    return Runner(
        path=path,
        kind=runner_kind,
        sha256=hashlib.sha256(data).hexdigest(),
        bundles=_holds(segments, BUNDLE_TEXT),
        pte_address=firmware_images.PROGRAM if runner_kind == "mlek" else address,
        program=program if runner_kind == "embedded" else None,
        npus=_npus(path, driver, segments),
        pools={**pools, **(MLEK_POOLS if runner_kind == "mlek" else {})},
    )


def built_address(path: Path) -> int | None:
    """Return the address that a runner expects its program at, by its build folder; None where that does not say."""
    word = _cached(path, _CACHED_ADDRESS)
    return None if word is None else int(word, 16)


def _pools(elf: ELFFile) -> dict[str, int]:
    """Sizes of the pools that the symbol table names; C++ adds its own letters to both ends of a name."""
    return {
        pool: symbol.size
        for symbol in symbols(elf)
        for word, pool in POOLS.items()
        if word in symbol.name and symbol.type == OBJECT and f"{word}_size" not in symbol.name
    }


def _kind(segments: list[bytes], program: bytes | None) -> Kind | None:
    for kind, text in TEXTS:
        if _holds(segments, text):
            return kind
    return None if program is None else "embedded"


def _holds(segments: list[bytes], text: bytes) -> bool:
    return any(text in segment for segment in segments)


def _programs(segment: bytes) -> Iterator[bytes]:
    """Programs in a segment, each with whatever follows it; the runtime's code holds their identifier as well."""
    for place in re.finditer(b"|".join(pte.IDENTIFIERS), segment):
        begin = place.start() - 4
        # An array of bytes that the runtime takes is aligned to 16. Its size is not known: all that follows is given.
        if begin < 0 or begin % 16:
            continue
        rest = segment[begin:]
        try:
            if pte.identifier(rest) == pte.IDENTIFIER:
                pte.parse(rest)
        except pte.PteError:
            continue
        yield rest


def _driver(elf: ELFFile) -> tuple[str, ...]:
    """Names of the NPUs whose driver is in it. A recent one has a symbol for each; an older one does not tell."""
    found = {symbol.name for symbol in symbols(elf) if symbol.name.startswith(DRIVER)}
    return tuple(b.npu.name for b in boards.BOARDS if DRIVER + b.npu.short.lower() in found)


def _npus(path: Path, driver: tuple[str, ...], segments: list[bytes]) -> tuple[str, ...]:
    """Names of the NPUs it can be for: that of its build folder, else its driver's, else those whose events it prints.

    A driver for both U55 and U65 has the events of both, and nothing else in the file may say which of them it drives.
    """
    cached = _cached(path, _CACHED_NPU)
    if built := [board.npu.name for board in boards.BOARDS if cached in board.npu.accelerators]:
        return tuple(built)
    return driver or tuple(b.npu.name for b in boards.BOARDS if _holds(segments, b.npu.pmu.sram_reads.encode()))


def _cached(path: Path, pattern: "re.Pattern[str]") -> str | None:
    """A setting that the runner was built with, None where its build folder does not say it."""
    for folder in path.resolve().parents[:4]:
        try:
            match = pattern.search((folder / "CMakeCache.txt").read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
        if match:
            return match[1]
    return None
