"""Marks of Vela's faults: they explain a platform that is wrong, with the line and a way out that helps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Ran
from tui.model import pte
from tui.simulator import miscompiled

MODEL = str(REPOSITORY / "tests" / "compile" / "models" / "miscompiled.py")
CLAMPED = str(REPOSITORY / "tests" / "compile" / "models" / "clamped.py")
LEAST = str(REPOSITORY / "tests" / "compile" / "models" / "least.py")
A16W8 = ("--quantize", "a16w8")


def marked(run: Ran) -> list[miscompiled.Mark]:
    return list(miscompiled.marks(pte.parse(Path(run.artifacts / "model.pte").read_bytes())))


def test_a_wrong_platform_is_explained_by_the_marks_of_the_compilers_faults(ran: Callable[..., Ran]) -> None:
    run = ran(MODEL, *A16W8)
    assert run.state["check"]["status"] == "mismatch"
    *before, platform = run.state["check"]["links"]
    assert [link["status"] for link in before] == ["match", "match"]
    tables, rows = platform["hint"].split("; a fault")
    assert f"and the NPU has room for one, first at {MODEL}:19; remedy: --quantize int8" in tables
    assert f"cut otherwise than those of its output, first at {MODEL}:20" in rows
    assert {mark.fault for mark in marked(run)} == {miscompiled.TABLES[0], miscompiled.ROWS[0]}


def test_what_is_said_to_help_helps(ran: Callable[..., Ran], tmp_path: Path) -> None:
    assert ran(MODEL).state["check"]["status"] == "match"
    assert not marked(ran(MODEL))
    other = tmp_path / "gelu.py"
    other.write_text(
        Path(MODEL)
        .read_text("utf-8")
        .replace("torch.relu(", "nn.functional.gelu(")
        .replace("torch.sigmoid(o) * torch.tanh(cell)", "cell"),
        "utf-8",
    )
    assert ran(str(other), *A16W8).state["check"]["status"] == "match"


def test_a_clamp_in_another_shape_is_explained_and_what_is_said_to_help_helps(
    ran: Callable[..., Ran], tmp_path: Path
) -> None:
    run = ran(CLAMPED)
    assert run.state["check"]["status"] == "mismatch"
    assert miscompiled.CLAMPED[1] in run.state["check"]["links"][-1]["hint"]
    assert [mark.fault for mark in marked(run)] == [miscompiled.CLAMPED[0]] * 2
    other = tmp_path / "gelu.py"
    other.write_text(Path(CLAMPED).read_text("utf-8").replace("torch.relu(", "nn.functional.gelu("), "utf-8")
    sound = ran(str(other))
    assert sound.state["check"]["status"] == "match"
    assert not marked(sound)


@pytest.mark.parametrize("target", ["ethos-u55-128", "ethos-u65-256"])
def test_a_dropped_axis_is_explained_and_what_is_said_to_help_helps(
    target: str, ran: Callable[..., Ran], tmp_path: Path
) -> None:
    run = ran(LEAST, "--target", target)
    assert run.state["check"]["status"] == "mismatch"
    assert miscompiled.SQUEEZED[1] in run.state["check"]["links"][-1]["hint"]
    assert [mark.fault for mark in marked(run)] == [miscompiled.SQUEEZED[0]]
    other = tmp_path / "greatest.py"
    other.write_text(
        Path(LEAST).read_text("utf-8").replace("torch.amin(x, 2)", "torch.amax(x * -1.0, 2) * -1.0"), "utf-8"
    )
    sound = ran(str(other), "--target", target)
    assert sound.state["check"]["status"] == "match"
    assert not marked(sound)
    assert ran(LEAST).state["check"]["status"] == "match"  # an Ethos-U85 has the operator


def test_a_sound_program_has_no_marks(ran: Callable[..., Ran]) -> None:
    assert not marked(ran("sample:transformer"))
    assert not marked(ran("sample:split"))
