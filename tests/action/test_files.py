"""The files that run the gate elsewhere: action.yml by GitHub's schema, container files by a linter."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import REPOSITORY

ACTION = REPOSITORY / "action.yml"
SCRIPTS = Path(sys.executable).parent


def test_the_action_keeps_to_the_schema() -> None:
    done = subprocess.run(
        [SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_input_is_used_and_every_variable_is_one_that_the_script_knows() -> None:
    text = ACTION.read_text(encoding="utf-8")
    action = YAML(typ="safe").load(text)
    assert {name for name in action["inputs"] if f"inputs.{name} " not in text} == set()
    steps = action["runs"]["steps"]
    variables = {name for step in steps for name in step["env"] if name.startswith("GATE_")}
    documented = (REPOSITORY / "action" / "gate.py").read_text(encoding="utf-8").partition('"""\n')[0]
    assert variables == set(re.findall(r"^(GATE_\w+) ", documented, re.MULTILINE))
    # What a caller gives reaches a shell as a variable, never as a part of the script.
    assert not any("${{" in step["run"] for step in steps)


@pytest.mark.parametrize("file", ["Containerfile", ".devcontainer/Containerfile"])
def test_container_files_pass_the_linter(file: str) -> None:
    linter = shutil.which("hadolint", path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    if linter is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([linter, file], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_container_has_the_gate_and_takes_what_the_wheel_takes() -> None:
    text = (REPOSITORY / "Containerfile").read_text(encoding="utf-8")
    copied = re.findall(r"/source/([\w./-]+)", text)
    assert copied and all((REPOSITORY / name).exists() for name in copied)
    assert f"ARG TORCH={_makefile_torch()}" in text


def _makefile_torch() -> str:
    match = re.search(r"^TORCH \?= (\S+)$", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None
    return match[1]
