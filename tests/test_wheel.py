"""Installed wheels: light, with a compiler, and what is in them and in the source archive."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import man_pages
from tests.conftest import REPOSITORY, Ran, environment
from tui import __version__
from tui.toolchain import toolchains

Run = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.xdist_group("wheel")
"""One worker builds and installs the wheel, once."""

COMPILER = ("torch", "executorch", "torchao", "tosa_tools")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, REPOSITORY]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def installed(folder: Path, *packages: str | Path) -> Path:
    """A virtual environment with these packages; its own folder of packages."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", *packages], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next((folder / "lib").glob("python*")) / "site-packages"


def runner(venv: Path, folder: Path) -> Run:
    """``fvp-tui ARGUMENTS`` of a virtual environment, in a folder."""

    def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        env = {**environment(folder / "home"), **variables}
        del env["PYTHONPATH"]
        command = [venv / "bin" / "fvp-tui", *arguments]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A light installation, and its folder of packages."""
    folder = tmp_path_factory.mktemp("light")
    own = installed(folder / "venv", wheel)
    return runner(folder / "venv", folder), own


def test_a_light_installation_has_no_compiler_and_says_the_ways_out(light: tuple[Run, Path]) -> None:
    run, own = light
    assert [name for name in COMPILER if (own / name).exists()] == []
    for model in ("sample:digits", "executorch:resnet8", str(REPOSITORY / "sample_models" / "split.py")):
        for command in ("run", "compile", "sweep"):
            done = run(command, model)
            assert done.returncode == 2
            assert f"{model} needs a compiler: no torch and executorch ({toolchains.WAYS})" in done.stderr
    listed = json.loads(run("models", "--json").stdout)["models"]
    assert {tuple(model["missing"]) for model in listed} == {("a compiler",)} and len(listed) > 3


def test_a_light_installation_is_complete_for_what_it_is(light: tuple[Run, Path]) -> None:
    run, _ = light
    done = run("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["ready"]) == (0, True)
    works = {one["name"]: one["works"] for one in found["works"]}
    assert not works["compile a model"] and works["run a program on the simulator"]
    assert {one["name"]: one["status"] for one in found["findings"]}["torch"] == "warning"


def test_a_light_installation_runs_ready_programs_and_reports_them(
    light: tuple[Run, Path], ran: Callable[..., Ran], tmp_path: Path
) -> None:
    run, _ = light
    for model in ("sample:digits", "sample:split", "sample:transformer"):
        state = json.loads(run("run", str(ran(model).artifacts / "model.pte"), "--json").stdout)
        assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
        assert state["inferences"][0]["npu_cycles"] == ran(model).state["inferences"][0]["npu_cycles"]
    page = tmp_path / "run.html"
    for words in (
        ("show", "last"), ("history",), ("log", "last"), ("compare", "last", "last"), ("advise", "last"),
        ("export", "last", "--format", "html", "-o", str(page)), ("params",), ("themes",), ("keys",), ("--version",),
    ):  # fmt: skip
        done = run(*words)
        assert done.returncode == 0 and "Traceback" not in done.stderr, words
    assert page.stat().st_size > 10_000


def test_a_light_installation_compiles_with_another_python(light: tuple[Run, Path]) -> None:
    run, _ = light
    state = json.loads(run("run", "sample:digits", "--toolchain", sys.executable, "--json").stdout)
    assert (state["run"]["status"], state["check"]["status"]) == ("ok", "match")
    points = json.loads(
        run("sweep", "sample:digits", "--targets", "ethos-u55", "--json", FVP_TUI_TOOLCHAIN=sys.executable).stdout
    )["points"]
    assert len(points) == 8 and all(point["total_cycles"] for point in points)


def test_a_fresh_environment_made_from_the_wheel_finds_themes_and_samples(wheel: Path, tmp_path: Path) -> None:
    own = installed(tmp_path / "fresh", "--no-deps", wheel)
    # The dependencies are gigabytes: they are taken from the environment the tests run in.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run = runner(tmp_path / "fresh", tmp_path)
    names = {model["name"] for model in json.loads(run("models", "--json").stdout)["models"]}
    assert {"sample:digits", "sample:mobilenet_v2"} <= names
    assert str(own) in run("themes").stdout
    python = tmp_path / "fresh" / "bin" / "python"
    where = subprocess.check_output([python, "-c", "import tui; print(tui.__file__)"], cwd=tmp_path, text=True)
    assert str(own) in where
    weights = own / "tui" / "data" / "sample_models" / "data" / "digits.npz"
    assert weights.read_bytes() == (REPOSITORY / "sample_models" / "data" / "digits.npz").read_bytes()


def test_the_archives_hold_what_they_should_and_nothing_else(built: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {"tui/py.typed", "tui/data/themes/dark.toml", "tui/data/sample_models/digits.py"} <= set(names)
    assert [name for name in names if not name.startswith(("tui/", "fvp_tui-")) or "__pycache__" in name] == []
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        tops = {name.split("/")[1] for name in source.getnames() if "/" in name}
    assert {"tui", "tests", "themes", "sample_models", "docs", "Makefile", "LICENSE", "pyproject.toml"} <= tops
    assert not tops & {".git", ".venv", "gallery"}


def test_manual_pages_and_an_sbom_go_into_the_wheel_where_there_are_any(tmp_path: Path) -> None:
    man_pages.main(tmp_path / "man", "2026-11-28")
    (tmp_path / "sbom").mkdir()
    (tmp_path / "sbom" / "fvp-tui.cdx.json").write_text("{}")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", REPOSITORY]
    env = {**os.environ, "FVP_TUI_WHEEL_EXTRAS": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, env=env)
    (made,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(made) as file:
        names = set(file.namelist())
    pages = {
        f"fvp_tui-{__version__}.data/data/share/man/man1/fvp-tui{name}.1" for name in ("", "-run", "-firmware-list")
    }
    assert names >= {*pages, f"fvp_tui-{__version__}.dist-info/sboms/fvp-tui.cdx.json"}


def test_the_package_index_would_take_them(built: Path) -> None:
    files = [*built.glob("*.whl"), *built.glob("*.tar.gz")]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
