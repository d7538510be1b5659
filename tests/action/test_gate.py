"""The script of the GitHub Action, with the variables that GitHub sets, and a stand-in for ``gh``."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from html5lib import HTMLParser

from tests.conftest import REPOSITORY, Ran, environment

GATE = REPOSITORY / "action" / "gate.py"

GH = """#!{python}
import json, os, sys
body = sys.stdin.read() if "--input" in sys.argv else ""
with open(os.environ["GH_CALLS"], "a") as file:
    file.write(json.dumps([sys.argv[1:], body]) + "\\n")
if os.environ.get("GH_FAILS"):
    sys.exit("HTTP 403: Resource not accessible by integration")
if "--jq" in sys.argv:
    print(os.environ.get("GH_KNOWN", ""))
"""


class Gate:
    """The gate on a machine of its own: ``run(VARIABLE=value)``."""

    def __init__(self, folder: Path, programs: dict[str, Path]) -> None:
        self.folder = folder
        for name, program in programs.items():
            shutil.copy(program, folder / name)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "fvp-tui").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tui "$@"\n')
        (tools / "gh").write_text(GH.format(python=sys.executable))
        for tool in tools.iterdir():
            tool.chmod(0o755)
        self.path = f"{tools}{os.pathsep}/usr/bin{os.pathsep}/bin"
        (folder / "event.json").write_text('{"pull_request": {"number": 7}}')
        self.calls_file = folder / "calls"

    def run(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        own = {
            "PATH": self.path,
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_REPOSITORY": "someone/net",
            "GH_TOKEN": "of-the-job",
            "GH_CALLS": str(self.calls_file),
        }
        return subprocess.run(
            [sys.executable, str(GATE)],
            env={**environment(self.folder / "home"), **own, **variables},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text(encoding="utf-8")

    @property
    def calls(self) -> list[Any]:
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def gate(ran: Callable[..., Ran], tmp_path: Path) -> Gate:
    """Two programs of one model: for an NPU of 256 MACs, and a faster one."""
    program = ran("sample:digits").artifacts / "model.pte"
    faster = ran("sample:digits", "--target", "ethos-u85-1024").artifacts / "model.pte"
    return Gate(tmp_path, {"net.pte": program, "faster.pte": faster})


def test_what_is_not_worse_passes_and_is_commented_on(gate: Gate) -> None:
    done = gate.run(GATE_MODEL="net.pte", GATE_BASELINE_MODEL="net.pte", GATE_COMMENT="true", GATE_REPORTS="kept")
    assert done.returncode == 0, done.stderr
    assert gate.summary.startswith("## fvp-tui: `net.pte` ✅ passed") and "### ✅ NOT WORSE" in gate.summary
    assert gate.outputs["status"] == "0" and "-net-u85-256-" in gate.outputs["run"] != gate.outputs["baseline"]
    (looked, _), (arguments, body) = gate.calls
    assert "repos/someone/net/issues/7/comments" in looked
    assert arguments[:3] == ["api", "--method", "POST"] and arguments[3] == "repos/someone/net/issues/7/comments"
    assert json.loads(body)["body"] == f"<!-- fvp-tui gate -->\n{gate.summary}"
    assert ElementTree.parse(gate.folder / "kept" / "junit.xml").getroot().get("errors") == "0"
    HTMLParser(strict=True).parse((gate.folder / "kept" / "report.html").read_text(encoding="utf-8"))
    assert (gate.folder / "kept" / "comparison.md").read_text(encoding="utf-8").strip() in gate.summary


def test_what_got_worse_ends_with_the_status_of_the_comparison(gate: Gate) -> None:
    known = {"GATE_COMMENT": "true", "GH_KNOWN": "4711"}
    done = gate.run(GATE_MODEL="net.pte", GATE_BASELINE_MODEL="faster.pte", **known)
    assert done.returncode == 3 and gate.outputs["status"] == "3"
    assert "WORSE" in gate.summary and "| `total_cycles` |" in gate.summary
    # The comment of an earlier gate is taken in place.
    assert gate.calls[-1][0][:4] == ["api", "--method", "PATCH", "repos/someone/net/issues/comments/4711"]


def test_a_limit_that_is_exceeded_and_a_comment_that_is_refused(gate: Gate) -> None:
    done = gate.run(GATE_MODEL="net.pte", GATE_LIMITS="--max-npu-cycles 10", GATE_COMMENT="true", GH_FAILS="1")
    assert done.returncode == 3
    assert "❌ a limit was exceeded" in gate.summary and "npu_cycles is" in gate.summary
    assert "::warning title=fvp-tui::no comment on the pull request: HTTP 403" in done.stdout


def test_without_a_token_or_a_pull_request_there_is_no_comment(gate: Gate) -> None:
    done = gate.run(GATE_MODEL="gone.pte", GATE_COMMENT="true", GH_TOKEN="")
    assert done.returncode == 2 and "it takes gh and a token" in done.stdout and gate.calls == []
    (gate.folder / "event.json").write_text('{"ref": "main"}')
    done = gate.run(GATE_MODEL="gone.pte", GATE_COMMENT="true")
    assert "this is not the event of a pull request" in done.stdout and gate.calls == []
    assert "❌ failed (exit status 2)" in gate.summary and gate.outputs["run"] == ""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "names no model"),
        ({"GATE_MODEL": "net.pte", "GATE_OPTIONS": "--target 'x"}, "No closing quotation"),
        ({"GATE_MODEL": "net.pte", "PATH": "/usr/bin:/bin"}, "no fvp-tui on the PATH"),
    ],
)
def test_wrong_settings_are_one_line(gate: Gate, variables: dict[str, str], said: str) -> None:
    done = gate.run(**variables)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and said in done.stderr
