"""A console that was captured elsewhere: its bytes as the parser takes them, and which platform they are of.

The parser is that of the live path (`tui.platform.uart`); what others put before lines comes off there, too
(`tui.platform.stamps`).
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tui.platform.lines import Splitter, any_in
from tui.platform.stamps import bare
from tui.run.figures import Origin
from tui.toolchain import boards

CHUNK = 1 << 16
_WIDE = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""Byte order marks of what PowerShell redirects to a file."""


def text(path: Path) -> Iterator[bytes]:
    """The bytes of a captured console in pieces, as the parser takes them: UTF-16 becomes UTF-8, all else stays.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        encoding = _WIDE.get(file.read(2))
        if encoding is None:
            file.seek(0)
            yield from iter(lambda: file.read(CHUNK), b"")
            return
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        for piece in iter(lambda: file.read(CHUNK), b""):
            yield decoder.decode(piece).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")


@dataclass(frozen=True)
class Sign:
    """A text that tells the platform of a console. A group named ``name`` or ``version`` is the platform's."""

    origin: Origin
    pattern: re.Pattern[str]
    source: str
    """Program that prints it."""


SIGNS: tuple[Sign, ...] = (
    Sign("simulator", re.compile(r"\[executorch:executor_runner\.py\]|fvp-sim[: ]"), "fvp-sim"),
    Sign("fvp", re.compile(r"(?P<name>FVP_(?:Corstone|MPS[234])\w*(?:-\d+)?(?:_Ethos-U\d\d)?)"), "whoever starts it"),
    Sign("fvp", re.compile(r"(?P<name>VHT[-_](?:Corstone|MPS)[\w-]*)"), "Arm Virtual Hardware"),
    Sign("fvp", re.compile(r"Fast Models \[?(?P<version>\d+\.\d+[\d.+]*)"), "the FVP"),
    Sign("fvp", re.compile(r"^telnetterminal\d+: Listening for serial"), "the FVP"),
    Sign("fvp", re.compile(r"^Info: /OSCI/SystemC: |^Info: Simulation is stopping\. Reason: "), "the FVP"),
    Sign("fvp", re.compile(r"^\s*Ethos-U rev [0-9a-f]+ --- "), "the FVP's NPU"),
    Sign("fvp", re.compile(r"^--- \S+ statistics: -+"), "the FVP, --stat"),
    Sign("fvp", re.compile(r"^GDBServer: Debug core: |^Iris server started"), "the FVP's debug servers"),
    Sign("fvp", re.compile(r"\bmps[34]/corstone3\d\d/fvp\b"), "west, Zephyr's name of the board"),
    Sign("board", re.compile(r"^msh />"), "RT-Thread's shell"),
)
"""Texts by which a platform is known. An FVP's and a board's program print the same: most logs need only one."""

_KEYS = (
    "executor_runner.py",
    "fvp-sim",
    "FVP_",
    "VHT",
    "Fast Models",
    "telnetterminal",
    "Info: ",
    "Ethos-U rev",
    " statistics: ",
    "GDBServer",
    "Iris server",
    "/corstone3",
    "msh />",
)


_ACCELERATOR = re.compile(rb"\bethos-u(?:55|65|85)-\d{2,4}\b")
_LONGEST = 16


def accelerator(pieces: Iterable[bytes]) -> str | None:
    """The NPU that a log names, as the commands of ExecuTorch's scripts do; None where it names none, or several."""
    found: set[str] = set()
    before = b""
    for piece in pieces:
        text = before + piece
        found.update(name.decode() for name in _ACCELERATOR.findall(text))
        before = text[-_LONGEST:]
    known = found & {name for npu in boards.NPUS for name in npu.accelerators}
    return known.pop() if len(known) == 1 == len(found) else None


@dataclass(frozen=True)
class Told:
    """The platform of a console by its own text."""

    origin: Origin | None = None
    """None where nothing tells."""
    by: str = ""
    """The text that tells."""
    name: str | None = None
    version: str | None = None


def told(pieces: Iterable[bytes]) -> Told:
    """The platform that a console tells of. The simulator prints what an FVP prints, and its own name."""
    found: dict[Origin, str] = {}
    names: dict[str, str] = {}
    splitter = Splitter()
    for piece in (*pieces, b"\n"):
        for line in splitter.feed(piece):
            head = bare(line.text[:400])
            if any_in(_KEYS, head):
                _note(head, found, names)
    for origin in ("simulator", "fvp", "board"):
        if origin in found:
            return Told(origin, found[origin], names.get("name"), names.get("version"))
    return Told()


def _note(line: str, found: dict[Origin, str], names: dict[str, str]) -> None:
    for sign in SIGNS:
        if match := sign.pattern.search(line):
            found.setdefault(sign.origin, match[0].strip())
            for name, value in match.groupdict().items():
                names.setdefault(name, value)
