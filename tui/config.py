"""fvp-tui's folders, and the user's settings: ``config.toml`` in one of them."""

import os
from pathlib import Path

import msgspec
import platformdirs

from tui.errors import UsageError

NAME = "config.toml"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file may say. Paths may begin with ``~``."""

    fvp: str | None = None
    """The FVP's binary, or its install folder."""
    runner: str | None = None
    """The program for the FVP."""
    theme: str | None = None
    """The colour theme of the full-screen program."""


def home() -> Path:
    """fvp-tui's data folder; FVP_TUI_HOME overrides."""
    # Absolute: a run's processes work in folders of their own.
    return Path(os.environ.get("FVP_TUI_HOME") or platformdirs.user_data_dir("fvp-tui", appauthor=False)).absolute()


def folder() -> Path:
    """fvp-tui's configuration folder; XDG_CONFIG_HOME moves it."""
    return Path(platformdirs.user_config_dir("fvp-tui", appauthor=False))


def read() -> Config:
    """The user's settings; the defaults where there is no file.

    Raises:
        UsageError: the file cannot be read, or says what it may not.
    """
    path = folder() / NAME
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Config)
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        known = ", ".join(Config.__struct_fields__)
        raise UsageError(f"{path}: {error}", f"it is TOML and may set: {known}") from error
