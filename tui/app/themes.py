"""Colour themes: one TOML file each, ours in themes/, the user's in the configuration folder. No terminal library here.

A file has ``name`` (its own name where left out), ``dark`` and a table ``colors``; ``primary`` is needed, the others
are Textual's: secondary, accent, foreground, background, surface, panel, boost, success, warning, error. A table
``variables`` may set any colour among Textual's theme variables.
"""

import re
from pathlib import Path

import msgspec

from tui import config, resources
from tui.errors import UserError

_COLOR = re.compile(r"#[0-9a-fA-F]{6}|ansi_[a-z_]+")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


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
    for role, color in {**msgspec.structs.asdict(theme.colors), **theme.variables}.items():
        if color is not None and not _COLOR.fullmatch(color):
            raise UserError(f"theme {path.name}: {role} = {color!r} is not #rrggbb")
    return theme


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
