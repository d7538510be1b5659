"""The line that a failure names, as it stands in the file, where that is still the file that failed."""

import os
from pathlib import Path

import pytest

from tui.app import source


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "a:model.py"
    path.write_text("import torch\n    return torch.atan2(y, x)\n")
    os.utime(path, (1_000, 1_000))
    return path


def test_the_line_is_shown_without_its_indentation(model: Path) -> None:
    assert source.text(f"{model}:2", 2_000.0) == source.text(f"{model}:2", None) == "return torch.atan2(y, x)"


def test_a_file_that_was_edited_since_is_not_quoted(model: Path) -> None:
    assert source.text(f"{model}:2", 999.0) == ""


def test_what_is_no_line_is_empty(model: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.py"
    os.mkfifo(pipe)
    for line in (
        f"{model}:9",
        f"{model}:x",
        f"{model}:",
        "",
        ":1",
        f"{tmp_path}:1",
        f"{pipe}:1",
        "/dev/zero:1",
        "\0:1",
    ):
        assert source.text(line, None) == "", line
