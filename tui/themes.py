"""Colour themes: one TOML file each, ours in themes/, the user's in the configuration folder. No terminal library here.

A file has ``name`` (its own name where left out), ``dark`` and a table ``colors``; ``primary`` is needed, the others
are Textual's: secondary, accent, foreground, background, surface, panel, boost, success, warning, error. A table
``roles`` may set colours by what they stand for; a role that is left out is that of our theme for a dark, a light or
the terminal's ground. A table ``variables`` may set any colour among Textual's theme variables.
"""

import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from tui import config, resources
from tui.errors import UserError

_COLOR = re.compile(r"#[0-9a-fA-F]{6}|ansi_[a-z_]+")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

ROLES: Mapping[str, str] = {
    "ground": "behind everything",
    "surface": "behind panels and fields",
    "raised": "behind the first line and the keys",
    "line": "frames",
    "track": "the rest of a bar",
    "text": "values",
    "strong": "values that matter",
    "muted": "labels and kinds",
    "faint": "heads, sources, what is not known",
    "accent": "keys, focus, cursor, work in progress",
    "npu": "the NPU",
    "npu-2": "a part on the NPU",
    "npu-3": "the next part on the NPU",
    "cpu": "the CPU",
    "cpu-2": "a part on the CPU",
    "sram": "SRAM",
    "flash": "flash",
    "dram": "DRAM",
    "ok": "what went well",
    "warn": "warnings",
    "fail": "failures",
    "cursor": "behind the row under the cursor",
    **{f"heat-{step}": f"from fast to slow, step {step} of 5" for step in range(1, 6)},
    **{f"tensor-{shade}": f"tensors in a memory, shade {shade} of 6" for shade in range(1, 7)},
}
"""Roles of colours, and what they stand for. A theme variable of the same name has the colour."""

COLOR_OF = {
    "ground": "background",
    "surface": "surface",
    "raised": "panel",
    "text": "foreground",
    "accent": "accent",
    "ok": "success",
    "warn": "warning",
    "fail": "error",
}
"""Textual's names of roles that it knows."""

BLENDED = {"muted": 0.62, "faint": 0.5, "line": 0.2, "track": 0.15, "cursor": 0.18}
"""Distances from a ground that is not ours, where 1 is plain text."""
LEAST_ON = 4.5
"""Contrast that text needs."""
DEEP = ("ansi_blue", "ansi_magenta", "ansi_red", "ansi_bright_black")
"""Colours that are dark in most terminals: black cannot be read on them."""


class Colors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``#rrggbb`` or one of the terminal's own, such as ``ansi_blue``; None leaves it to Textual."""

    primary: str
    secondary: str | None = None
    accent: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    success: str | None = None
    warning: str | None = None
    error: str | None = None


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of a theme file."""

    colors: Colors
    name: str = ""
    dark: bool = True
    ansi: bool = False
    """Draw with the terminal's own palette."""
    roles: dict[str, str] = {}
    variables: dict[str, str] = {}


def user_folder() -> Path:
    """Folder of the user's own themes."""
    return config.folder() / "themes"


def read(path: Path) -> ThemeFile:
    """Read one theme file.

    Raises:
        UserError: it cannot be read or is no theme; the text names the file.
    """
    theme = config.read_toml(path, ThemeFile, name=f"theme {path.name}")
    theme = theme if theme.name else msgspec.structs.replace(theme, name=path.stem)
    if not _NAME.fullmatch(theme.name):
        raise UserError(f"theme {path.name}: the name {theme.name!r} is not lower-case letters, digits, - and _")
    for role in theme.roles:
        if role not in ROLES:
            close = difflib.get_close_matches(role, ROLES, n=1)
            hint = f"did you mean {close[0]}?" if close else "fvp-tui themes lists the roles"
            raise UserError(f"theme {path.name}: there is no role {role!r}", hint)
    for role, color in {**msgspec.structs.asdict(theme.colors), **theme.roles, **theme.variables}.items():
        if color is not None and not _COLOR.fullmatch(color):
            raise UserError(f"theme {path.name}: {role} = {color!r} is not #rrggbb")
    return theme


@cache
def ours() -> Mapping[str, ThemeFile]:
    """The themes that ship with the program, by name."""
    return {theme.name: theme for theme in map(read, sorted(resources.folder("themes").glob("*.toml")))}


def load() -> tuple[list[ThemeFile], list[str]]:
    """Read all themes, the user's last so that they replace ours; return one line for each file that is broken, too."""
    found: list[ThemeFile] = []
    problems: list[str] = []
    for folder in (resources.folder("themes"), user_folder()):
        for path in sorted(folder.glob("*.toml")):
            try:
                found.append(read(path))
            except UserError as error:
                problems.append(str(error))
    return found, problems


def base(themes: Mapping[str, ThemeFile], *, dark: bool, ansi: bool) -> ThemeFile:
    """Our theme that one of this kind takes its missing roles from."""
    return themes["terminal" if ansi else "dark" if dark else "light"]


def variables(theme: ThemeFile, base: ThemeFile) -> dict[str, str]:
    """Colours of all roles by name, and ``on-`` each of them that of text on it."""
    colors: dict[str, str | None] = msgspec.structs.asdict(theme.colors)
    own = {role: color for role, name in COLOR_OF.items() if (color := colors[name]) is not None}
    own |= theme.roles
    if theme.name != base.name and "accent" not in own:
        own["accent"] = theme.colors.primary
    if not theme.ansi and ("ground" in own or "text" in own):
        own = _blended(own.get("ground", base.roles["ground"]), own.get("text", base.roles["text"])) | own
    found = base.roles | own
    texts = (found["strong"], found["ground"], "#ffffff", "#000000")
    return found | {f"on-{role}": _on(found[role], texts) for role in ROLES}


def _blended(ground: str, text: str) -> dict[str, str]:
    """Roles that lie between a ground and the text on it."""
    if not (ground.startswith("#") and text.startswith("#")):
        return {}
    pairs = list(zip(_channels(ground), _channels(text), strict=True))
    blended = {
        role: "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)
        for role, share in BLENDED.items()
    }
    return blended | {"strong": text}


def _on(color: str, texts: tuple[str, ...]) -> str:
    """The first of these that can be read on a colour; where none can, the one that can best."""
    if not color.startswith("#"):
        return "ansi_bright_white" if color in DEEP else "ansi_black"
    readable = [text for text in texts if contrast(text, color) >= LEAST_ON]
    return readable[0] if readable else max(texts, key=lambda text: contrast(text, color))


@cache
def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2 defines it: from 1 to 21; 1 where one is the terminal's own."""
    if not (one.startswith("#") and other.startswith("#")):
        return 1.0
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@cache
def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
