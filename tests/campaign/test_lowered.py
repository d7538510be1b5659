"""What one worker has lowered is found by another, and only what is a cache's comes in."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import TUI, environment
from tui.campaign import archives, lowered


def taken_from_cache(home: Path, target: str) -> set[str]:
    """The stages that are not done anew when a model is compiled in a home."""
    command = [*TUI, "compile", "sample:digits", "--target", target, "--json"]
    state = json.loads(subprocess.check_output(command, env=environment(home), stdin=subprocess.DEVNULL))
    assert state["run"]["status"] == "ok"
    return {stage["name"] for stage in state["stages"] if stage["cached"]}


def test_what_one_worker_has_lowered_another_takes_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    monkeypatch.setenv("FVP_TUI_HOME", str(one))
    before = lowered.names()
    assert taken_from_cache(one, "ethos-u85-128") == set()
    graphs = lowered.packed(before)
    assert graphs is not None
    # What was there is not sent again.
    assert lowered.packed(lowered.names()) is None
    monkeypatch.setenv("FVP_TUI_HOME", str(other))
    lowered.unpack(graphs)
    assert taken_from_cache(other, "ethos-u85-256") == {"quantize", "lower"}
    assert taken_from_cache(other, "ethos-u85-128") == {"quantize", "lower", "vela", "emit"}


def test_nothing_comes_in_but_entries_of_the_cache(home: Path, tmp_path: Path) -> None:
    for folder in ("runs", "lowered"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "text").write_text("x")
    lowered.unpack(archives.packed(tmp_path, [tmp_path / "runs", tmp_path / "lowered"]))
    assert [path.name for path in (home / "cache").iterdir()] == ["lowered"]
