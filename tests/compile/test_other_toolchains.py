"""Compiling in another Python than this one's: an older ExecuTorch, and one that cannot be imported."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.conftest import Fvp, Ran, taken_over
from tests.toolchains import RELEASES, WRONG, over_own, release, site_packages

OLDER = RELEASES[0]
SAMPLE = [("sample:digits", "int8"), ("executorch:resnet8", "a16w8"), ("sample:transformer", "a16w8")]
"""A network of each kind, and the one that is wrong. ``make toolchains`` runs all, in all releases."""
FOLDER = Path(__file__).parent / "models"


@pytest.fixture(scope="session")
def older(pytestconfig: pytest.Config) -> Path:
    """A toolchain with an older ExecuTorch, which is fetched once and kept with pytest's cache."""
    cache = pytestconfig.cache.mkdir(f"executorch-{OLDER}")
    with FileLock(str(cache / "lock")):
        return release(cache / "venv", OLDER)


def frozen(folder: Path) -> list[str]:
    """All files of an environment, and when they were changed."""
    return sorted(f"{file} {file.stat().st_mtime_ns}" for file in folder.rglob("*") if "__pycache__" not in file.parts)


@pytest.mark.parametrize(("model", "quantize"), SAMPLE)
def test_an_older_executorch_compiles_and_the_outputs_match(
    model: str, quantize: str, older: Path, fvp_tui: Fvp
) -> None:
    before = frozen(older)
    done = fvp_tui("run", model, "--quantize", quantize, "--toolchain", str(older), "--json")
    state = json.loads(done.stdout)
    assert (state["run"]["status"], state["run"]["reason"]) == ("ok", None)
    assert state["versions"]["executorch"] == OLDER
    assert state["spec"]["toolchain"] == str(older / "bin" / "python")
    links = {link["name"]: link["max_abs_error"] for link in state["check"]["links"]}
    known = (OLDER, model, quantize) in WRONG
    assert (state["check"]["status"], links["platform"]) == (("mismatch", None) if known else ("match", 0.0))
    assert state["estimate"]["source"] == "vela" and state["operators"][0]["line"]
    assert frozen(older) == before


def test_a_fault_of_an_older_executorch_is_named(older: Path, fvp_tui: Fvp, tmp_path: Path) -> None:
    model, small = FOLDER / "lost_scale.py", tmp_path / "small.py"
    small.write_text(model.read_text().replace("Residual(100.0)", "Residual(1.0)"))
    for file, defined in ((model, True), (small, False)):
        done = fvp_tui("run", str(file), "--quantize", "a16w8", "--toolchain", str(older), "--json")
        check = json.loads(done.stdout)["check"]
        links = {link["name"]: link for link in check["links"]}
        assert (check["status"], links["quantized"]["status"]) == ("mismatch", "match")
        assert check["reason"].startswith("LOWERING CHANGED THE RESULT") and "(aten.add)" in check["reason"]
        assert "ExecuTorch 1.4 does not scale the 16-bit result of a convolution" in links["lowered"]["hint"]
        # Where the reference model has a result, the platform's is the very same.
        assert links["platform"]["status"] == ("match" if defined else "skipped")
        if not defined:
            assert links["lowered"]["reason"].endswith("result is undefined, says the TOSA reference model")
    # The remedies that are named.
    for options in (("--quantize", "a16w8"), ("--quantize", "int8", "--toolchain", str(older))):
        done = fvp_tui("run", str(model), *options, "--json")
        assert json.loads(done.stdout)["check"]["status"] == "match"


def test_what_an_older_executorch_cannot_do_is_said(older: Path, fvp_tui: Fvp) -> None:
    done = fvp_tui("compile", "sample:digits", "--target", "cortex-m85", "--channels-last", "--toolchain", str(older))
    assert done.returncode == 1
    assert "this ExecuTorch does not compile for a Cortex-M alone (1.5 and later do)" in done.stderr


def test_libraries_that_do_not_fit_each_other_fail_the_stage_load(tmp_path: Path, fvp_tui: Fvp, home: Path) -> None:
    folder = over_own(tmp_path / "broken")
    package = site_packages(folder) / "executorch"
    package.mkdir()
    (package / "__init__.py").write_text("raise AttributeError('torch has dropped it')\n")
    done = fvp_tui("run", "sample:digits", "--toolchain", str(folder), "--json")
    state = json.loads(done.stdout)
    stages = {stage["name"]: stage["status"] for stage in state["stages"]}
    assert (done.returncode, stages["load"]) == (1, "failed")
    reason = state["run"]["reason"]
    assert f"cannot be imported together by {folder / 'bin' / 'python'}" in reason
    assert "AttributeError: torch has dropped it" in reason and "torch 2." in reason
    assert "--toolchain with another Python" in reason
    failure = home / "runs" / state["run"]["id"] / "artifacts" / "failure.txt"
    assert "dropped it" in failure.read_text()


def test_each_toolchain_has_a_server_of_its_own(older: Path, fvp_tui: Fvp, ran: Callable[..., Ran]) -> None:
    ran("sample:digits")
    one, other = (
        json.loads(fvp_tui("run", "sample:digits", *options, "--json").stdout)["versions"]
        for options in (
            ("--toolchain", str(older)),
            (),
        )
    )
    assert one["executorch"] == OLDER != other["executorch"]


@pytest.mark.parametrize("version", ["5.0.0"])
def test_another_vela_compiles_and_the_outputs_match(version: str, older: Path, fvp_tui: Fvp, home: Path) -> None:
    for options in ((), ("--toolchain", str(older))):
        state = json.loads(fvp_tui("run", "sample:digits", "--vela", version, *options, "--json").stdout)
        assert (state["run"]["status"], state["versions"]["vela"]) == ("ok", version)
        assert state["check"]["status"] == "match"
        assert state["inferences"][0]["npu_cycles"] != state["estimate"]["total_cycles"]  # another cycle model
    fetched = [note for note in state["notes"] if "was fetched" in note]
    assert fetched == []  # the first run has it
    assert (home / "cache" / "velas").is_dir()


def test_a_vela_that_is_not_there_is_named(fvp_tui: Fvp) -> None:
    done = fvp_tui("run", "sample:digits", "--vela", "4.99", "--json")
    reason = json.loads(done.stdout)["run"]["reason"]
    assert done.returncode == 1
    assert reason.startswith("ethos-u-vela==4.99 for Python ") and "cannot be installed" in reason
    wrong = fvp_tui("run", "sample:digits", "--vela", "new")
    assert wrong.returncode == 2 and "'new' is no version of Vela (such as 5.1.0)" in wrong.stderr


def test_a_sweep_over_velas_is_judged_by_the_simulator(fvp_tui: Fvp, tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    options = ("--targets", "ethos-u85-256", "--memory-modes", "Sram_Only", "--vela", "5.0.0,5.1.0")
    done = fvp_tui("sweep", "sample:digits", *options, "--csv", str(points), "--json")
    found = json.loads(done.stdout)
    assert [point["vela"] for point in found["points"]] == ["5.0.0", "5.1.0"]
    older, newer = found["points"]
    # Vela 5.0 says that its program is faster; the commands of both take as long.
    assert older["total_cycles"] < newer["total_cycles"] == newer["simulated_cycles"] == older["simulated_cycles"]
    with points.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["vela"], row["simulated_cycles"]) for row in rows] == [
        ("5.0.0", str(older["simulated_cycles"])),
        ("5.1.0", str(newer["simulated_cycles"])),
    ]
    limit = str(older["total_cycles"])
    text = fvp_tui("sweep", "sample:digits", *options, "--max-npu-cycles", limit)
    assert text.returncode == 3
    words = f"{older['total_cycles']:,} / {older['simulated_cycles']:,}!"
    assert words in text.stdout and "they are compared by the simulator's" in text.stdout
    assert fvp_tui("sweep", "sample:digits", "--vela", "new").returncode == 2


def test_a_newer_vela_at_hand_is_advised_where_it_brings_much(
    fvp_tui: Fvp, ran: Callable[..., Ran], home: Path
) -> None:
    before = taken_over(ran("sample:transformer"), home)

    def about_vela() -> list[dict[str, Any]]:
        advised = json.loads(fvp_tui("advise", before, "--json").stdout)["advice"]
        return [one for one in advised if one["kind"] == "vela"]

    assert about_vela() == []  # nothing is fetched for advice
    after = json.loads(fvp_tui("run", "sample:transformer", "--vela", "5.2.0", "--json").stdout)
    (found,) = about_vela()
    cycles = [
        run["inferences"][0]["npu_cycles"] for run in (json.loads(fvp_tui("show", before, "--json").stdout), after)
    ]
    assert found["evidence"].startswith(f"{cycles[1]:,} instead of {cycles[0]:,} NPU cycles")
    assert (found["change"], found["cycles"]) == ({"vela": "5.2.0"}, cycles[0] - cycles[1])
    tried = json.loads(fvp_tui("advise", before, "--try", "--json").stdout)["advice"]
    (outcome,) = [one["tried"] for one in tried if one["kind"] == "vela"]
    # By the simulator's cycles: the estimates of two Velas are of two models.
    measured = outcome["measured"]
    assert (measured["before"], measured["after"], measured["source"]) == (*cycles, "estimated")
    assert (outcome["change_pct"], outcome["check"]) == (None, "match")
    assert "NPU cycles simulated, -5." in fvp_tui("advise", before).stdout


def test_a_sweep_over_toolchains_shows_what_lowering_does(older: Path, fvp_tui: Fvp) -> None:
    names = f"{older},{sys.executable}"
    options = ("--targets", "ethos-u85-256", "--memory-modes", "Sram_Only", "--toolchain", names)
    done = fvp_tui("sweep", "sample:transformer", *options, "--json")
    before, after = json.loads(done.stdout)["points"]
    assert (before["toolchain"], after["toolchain"]) == (str(older), sys.executable)
    assert before["vela"] == after["vela"]
    # ExecuTorch 1.5 lowers it to fewer transposes.
    assert before["simulated_cycles"] > 1.2 * after["simulated_cycles"]
    text = fvp_tui("sweep", "sample:transformer", *options).stdout
    assert (
        f"{older.parent.name}/{older.name} Vela {before['vela']}" in text
        and "★ fastest   ethos-u85-256 Sram_Only" in text
    )
