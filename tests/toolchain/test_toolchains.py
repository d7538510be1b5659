"""Toolchains: what a Python has is asked once, and what is wrong with one is said before anything is started."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Fvp, environment
from tui import config
from tui.errors import UsageError
from tui.run.spec import check_target
from tui.toolchain import toolchains, vela
from tui.toolchain.target import Target


def script(path: Path, text: str) -> Path:
    """A program that is a shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing in it, not even pip."""
    folder = tmp_path_factory.mktemp("venvs") / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


def test_another_python_answers_what_this_one_knows_of_itself(home: Path) -> None:
    asked, own = toolchains._ask(sys.executable), toolchains.own()
    assert (asked.version, asked.soabi, asked.packages) == (own.version, own.soabi, own.packages)
    assert asked.executorch == own.executorch
    assert not asked.own and asked.has("torch") and asked.has("json") and not asked.has("no_such_module")
    assert own.own and own.has("torch") and not own.has("no_such_module")


def test_it_is_asked_once_until_it_changes(bare: Path, home: Path, tmp_path: Path) -> None:
    count, python = tmp_path / "count", bare / "bin" / "python"
    counting = script(tmp_path / "python", f'echo >> {count}; exec {python} "$@"')
    for times, change in ((1, None), (1, None), (2, "a"), (2, None)):
        toolchains._at.cache_clear()
        if change:
            (next((bare / "lib").glob("python*")) / "site-packages" / f"{change}.py").touch()
        assert toolchains.of(str(counting)).lacks == ("torch", "executorch")
        assert count.read_text().count("\n") == times


def test_a_virtual_environment_is_named_by_its_folder_and_its_link_is_kept(bare: Path, home: Path) -> None:
    assert toolchains.resolve(str(bare)) == str(bare / "bin" / "python")
    assert (bare / "bin" / "python").is_symlink()


def test_names_of_the_settings_and_of_the_environment(
    bare: Path, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    config.folder().mkdir(parents=True)
    (config.folder() / config.NAME).write_text(f'toolchain = "old"\n[toolchains]\nold = "{bare}"\ngone = "/no/such"\n')
    python = str(bare / "bin" / "python")
    assert (toolchains.resolve("old"), toolchains.default(), toolchains.named()) == (python, python, {python: "old"})
    monkeypatch.setenv(toolchains.VARIABLE, sys.executable)
    assert toolchains.default() == sys.executable
    with pytest.raises(UsageError, match=r"no Python at /no/such \(.* or a name of config.toml: old, gone\)"):
        toolchains.resolve("gone")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit 3", "is no Python that answers: exit 3"),
        ("echo oh dear >&2; exit 1", "is no Python that answers: oh dear"),
        ("echo 'answer:{\"version\": [3, 8, 1]}'", "is Python 3.8.1 (ExecuTorch needs 3.10 or newer)"),
    ],
)
def test_what_does_not_answer_is_named(text: str, said: str, home: Path, tmp_path: Path, fvp_tui: Fvp) -> None:
    python = script(tmp_path / "python", text)
    done = fvp_tui("run", "sample:digits", "--toolchain", str(python))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"{python} {said}")


def test_a_toolchain_without_a_compiler_is_refused_before_anything_starts(bare: Path, fvp_tui: Fvp, home: Path) -> None:
    python = bare / "bin" / "python"
    for model in ("sample:digits", "executorch:resnet8"):
        done = fvp_tui("run", model, "--toolchain", str(bare))
        assert done.returncode == 2
        assert f"{model} needs a compiler: no torch and executorch in {python}" in done.stderr
        assert "--toolchain with a Python that has torch and executorch" in done.stderr
    listed = json.loads(fvp_tui("models", "--toolchain", str(bare), "--json").stdout)["models"]
    assert {tuple(model["missing"]) for model in listed} == {("a compiler",)}
    assert not (home / "runs").exists()


def test_targets_are_those_of_the_toolchains_own_vela(bare: Path, fvp_tui: Fvp, home: Path) -> None:
    ours = Path(next(iter(find_spec("ethosu").submodule_search_locations)))  # type: ignore[union-attr, arg-type]
    theirs = next((bare / "lib").glob("python*")) / "site-packages" / "ethosu"
    shutil.copytree(ours, theirs, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    ini = theirs / "config_files" / vela.CONFIG
    known = ini.read_text()
    section = re.search(r"\[System_Config\.Ethos_U85_SYS_Flash_Low\].*?(?=^\[)", known, re.M | re.S)
    assert section
    ini.write_text(known + section[0].replace("Flash_Low", "Flash_Lab"))
    program = bare / "x.pte"
    program.write_bytes(b"")
    for more, lab in ((("--toolchain", str(bare)), True), ((), False)):
        done = fvp_tui("run", str(program), "--system-config", "Ethos_U85_SYS_Mine", *more)
        assert done.returncode == 2 and "unknown system config 'Ethos_U85_SYS_Mine'" in done.stderr
        assert ("Ethos_U85_SYS_Flash_Lab" in done.stderr) is lab
    found = toolchains.of(toolchains.resolve(str(bare)))
    check_target(Target("ethos-u85-256", "Ethos_U85_SYS_Flash_Lab", "Sram_Only"), found.ethosu)
    # It has flash, as the one that it was made of.
    with pytest.raises(UsageError, match="needs DRAM, and Ethos_U85_SYS_Flash_Lab has flash"):
        check_target(Target("ethos-u85-256", "Ethos_U85_SYS_Flash_Lab", "Dedicated_Sram"), found.ethosu)


def test_doctor_says_whose_compiler_it_is(bare: Path, home: Path) -> None:
    variables = {**environment(home), toolchains.VARIABLE: str(bare)}
    done = subprocess.run(
        [sys.executable, "-m", "tui", "doctor", "--json"], env=variables, capture_output=True, text=True, check=False
    )
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    version = ".".join(map(str, sys.version_info[:3]))
    assert found["toolchain"]["detail"] == f"{bare / 'bin' / 'python'}, Python {version}"
    assert (found["torch"]["status"], found["torch"]["detail"]) == ("warning", "not installed")
    works = {one["name"]: one for one in json.loads(done.stdout)["works"]}
    assert works["compile a model"]["lacks"] == ["torch", "executorch", "ethos-u-vela"]
    assert works["run a program on the simulator"]["works"]
    assert done.returncode == 0  # what there is works


def test_variables_of_this_python_do_not_reach_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/nowhere")
    assert not {"PYTHONHOME", "VIRTUAL_ENV"} & toolchains.environment().keys() and "PATH" in os.environ
