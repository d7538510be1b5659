"""fvp-tui's folders, and the user's settings: ``config.toml`` in one of them."""

import os
import re
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from tui.errors import UsageError, one_line

NAME = "config.toml"

T = TypeVar("T")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the file. Paths may begin with ``~``."""

    fvp: str | None = None
    """The FVP's binary, or its install folder."""
    runner: str | None = None
    """The program for the FVP."""
    theme: str | None = None
    """The colour theme of the full-screen program."""
    toolchain: str | None = None
    """The Python that compiles, or its name in `toolchains`."""
    toolchains: dict[str, str] = {}
    """Pythons that compile, by a name of the user's."""


def home() -> Path:
    """fvp-tui's data folder; FVP_TUI_HOME overrides."""
    # Absolute: a run's processes work in folders of their own.
    return Path(os.environ.get("FVP_TUI_HOME") or platformdirs.user_data_dir("fvp-tui", appauthor=False)).absolute()


def folder() -> Path:
    """fvp-tui's configuration folder; XDG_CONFIG_HOME moves it."""
    return Path(platformdirs.user_config_dir("fvp-tui", appauthor=False))


def cache_folder() -> Path:
    """The folder of what can be made again: below the data folder where FVP_TUI_HOME names one."""
    named = os.environ.get("FVP_TUI_HOME")
    return Path(named).absolute() / "cache" if named else Path(platformdirs.user_cache_dir("fvp-tui", appauthor=False))


def read() -> Config:
    """The user's settings; the defaults where there is no file.

    Raises:
        UsageError: the file cannot be read, or says what it may not.
    """
    hint = f"it is TOML and may set: {', '.join(Config.__struct_fields__)}"
    return read_toml(folder() / NAME, Config, default=Config(), hint=hint)


def read_toml(path: Path, kind: type[T], *, default: T | None = None, name: str = "", hint: str = "") -> T:
    """Read a TOML file as a value of `kind`; `default` stands in where there is no file.

    Raises:
        UsageError: the file cannot be read, is no TOML, or does not fit `kind`. The text names the file - as `name`,
            where that is given - and the line, where it is known.
    """
    import tomllib  # not part of Python 3.10, where a compile worker may run, which reads no settings

    name = name or str(path)
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except OSError as error:
        if default is not None and isinstance(error, FileNotFoundError):
            return default
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: not UTF-8 text", hint) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name}: {_at_line(one_line(error), path)}", hint) from error
    except msgspec.ValidationError as error:
        raise UsageError(f"{name}: {error}", hint) from error


def _at_line(text: str, path: Path) -> str:
    """Move the line to the front of an error of Python's TOML reader: ``Invalid value (at line 3, column 5)``."""
    at = re.fullmatch(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", text)
    if at is None:
        return text
    return f"line {at[2] or len(path.read_bytes().splitlines())}: {at[1]}"
