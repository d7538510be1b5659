"""The one reader of the user's TOML files."""

import re
from pathlib import Path

import pytest

from tui import config
from tui.config import Config
from tui.errors import UsageError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'fvp = "a"\n[theme', "x.toml: line 2: Expected ']' at the end of a table declaration"),
        (b"fvp = 'a'\ntheme\n", "x.toml: line 2: Expected '=' after a key in a key/value pair"),
        (b"fvp = 3", "x.toml: Expected `str | null`, got `int` - at `$.fvp`"),
        (b"fpv = 'a'", "x.toml: Object contains unknown field `fpv`"),
        (b"fvp = '\xff'", "x.toml: not UTF-8 text"),
        (b'fvp = "a', "x.toml: line 1: Unterminated string"),
    ],
)
def test_a_broken_file_is_one_line_with_file_line_and_cause(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path}/{said} (do)")) as caught:
        config.read_toml(path, Config, default=Config(), hint="do")
    assert "\n" not in str(caught.value)


def test_a_missing_file_gives_the_default_or_an_error(tmp_path: Path) -> None:
    assert config.read_toml(tmp_path / "none.toml", Config, default=Config()) == Config()
    with pytest.raises(UsageError, match=r"cannot read theme none\.toml: No such file"):
        config.read_toml(tmp_path / "none.toml", Config, name="theme none.toml")


def test_no_other_module_reads_toml() -> None:
    package = Path(config.__file__).parent
    readers = [path for path in package.rglob("*.py") if re.search(r"tomllib|toml\.decode", path.read_text())]
    assert readers == [Path(config.__file__)]
