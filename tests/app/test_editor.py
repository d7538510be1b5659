"""A line of the model in the user's editor."""

from pathlib import Path

import pytest

from tui.app import editor
from tui.errors import UserError


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("VISUAL", "EDITOR", "PAGER"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("vim", "code", "less"):
        (folder / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/opened\n')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    return tmp_path


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "less +7 {file}"),
        ({"PAGER": "less"}, "less +7 {file}"),
        ({"PAGER": "less", "EDITOR": "vim -n"}, "vim -n +7 {file}"),
        ({"EDITOR": "vim", "VISUAL": "code --wait"}, "code --wait -g {file}:7"),
    ],
)
def test_what_the_user_has_set_is_taken(
    variables: dict[str, str], expected: str, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = programs / "model.py"
    file.write_text("\n" * 9)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert " ".join(editor.command(f"{file}:7")) == expected.format(file=file)
    editor.show(f"{file}:7")
    assert (programs / "opened").read_text().split() == expected.format(file=file).split()[1:]


def test_what_is_not_there_is_said(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no file"):
        editor.command(f"{programs}/gone.py:3")
    monkeypatch.setenv("EDITOR", "no-such-editor")
    with pytest.raises(UserError, match="no-such-editor not found"):
        editor.command(f"{programs / 'bin' / 'vim'}:1")
