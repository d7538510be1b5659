"""Campaigns by the command: each cell an ordinary run, done once, its failure its own."""

import csv
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import TUI, Fvp, environment
from tui.campaign import control as process
from tui.campaign import store

TWO = ("--targets", "ethos-u85-128,ethos-u85-256", "--platform", "simulator")
BROKEN = "raise RuntimeError('no weights')\nModelUnderTest = ModelInputs = None\n"


def ended(done: "subprocess.CompletedProcess[str]", status: int = 0) -> dict[str, Any]:
    """The result of a campaign that ended with a status."""
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cells_are_runs_and_nothing_is_done_twice(fvp_tui: Fvp, home: Path, tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    first = ended(fvp_tui("campaign", "sample:digits", *TWO, "--json", "--csv", str(table)))
    assert (first["schema_version"], first["status"]) == (1, "ok")
    assert [cell["status"] for cell in first["cells"]] == ["ok", "ok"]
    for cell in first["cells"]:
        shown = json.loads(fvp_tui("show", cell["run"], "--json").stdout)
        assert shown["spec"]["target"]["accelerator"] == cell["target"]
        assert shown["inferences"][0]["npu_cycles"] == cell["npu_cycles"]
        assert (cell["check"], cell["by"], cell["reused"]) == ("match", "simulator", False)
    with table.open(encoding="utf-8", newline="") as file:
        assert [row["run"] for row in csv.DictReader(file)] == [cell["run"] for cell in first["cells"]]
    again = ended(fvp_tui("campaign", "sample:digits", *TWO, "--json"))
    assert again["id"] != first["id"]
    assert [cell["run"] for cell in again["cells"]] == [cell["run"] for cell in first["cells"]]
    assert all(cell["reused"] for cell in again["cells"])
    assert len(list((home / "runs").iterdir())) == 2
    # One more of the matrix is one more run.
    more = ended(fvp_tui("campaign", "sample:digits", "--targets", "ethos-u85", "--platform", "simulator", "--json"))
    assert [cell["reused"] for cell in more["cells"]].count(True) == 2
    listed = json.loads(fvp_tui("history", "--campaign", first["id"], "--json").stdout)["runs"]
    assert {run["run"]["id"] for run in listed} == {cell["run"] for cell in first["cells"]}
    overview = fvp_tui("campaign", "--list").stdout
    assert first["id"] in overview and "2 ok" in overview


def test_a_model_that_fails_leaves_the_others_and_is_not_tried_for_each_target(
    fvp_tui: Fvp, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").mkdir()
    broken = tmp_path / "model" / "broken.py"
    broken.write_text(BROKEN)
    found = ended(fvp_tui("campaign", str(broken), "sample:digits", *TWO, "--json"), 1)
    assert (found["status"], [cell["status"] for cell in found["cells"]]) == ("failed", ["failed"] * 2 + ["ok"] * 2)
    assert all("no weights" in cell["reason"] for cell in found["cells"][:2])
    assert len(list((home / "runs").iterdir())) == 3
    text = fvp_tui("campaign", "--show", "last")
    assert text.returncode == 1
    assert re.search(r"^! broken int8 ethos-u85-128 Sram_Only: failed load: .*no weights", text.stdout, re.M), (
        text.stdout
    )


def test_estimates_boot_nothing_and_keep_limits(fvp_tui: Fvp, home: Path) -> None:
    options = ("--targets", "ethos-u85", "--estimate")
    found = ended(fvp_tui("campaign", "sample:digits", *options, "--json"))
    assert {cell["by"] for cell in found["cells"]} == {"vela"}
    assert len(list((home / "runs").iterdir())) == 1
    swept = json.loads(fvp_tui("sweep", "last", "--memory-modes", "Sram_Only", "--json").stdout)["points"]
    assert [cell["total_cycles"] for cell in found["cells"]] == [point["total_cycles"] for point in swept]
    most = sorted(cell["inference_ms"] for cell in found["cells"])[2]
    limited = ended(fvp_tui("campaign", "sample:digits", *options, "--max-inference-ms", str(most), "--json"), 3)
    assert sorted(cell["status"] for cell in limited["cells"]) == ["limit"] * 2 + ["ok"] * 3
    assert all(cell["reused"] for cell in limited["cells"])


def test_limits_and_a_baseline_that_was_better_end_with_3(fvp_tui: Fvp, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    net = folder / "net.py"
    text = (
        "import torch\ntorch.manual_seed(0)\nModelUnderTest = torch.nn.Conv2d(8, CHANNELS, 3)\n"
        "ModelInputs = (torch.ones(1, 8, 16, 16),)\n"
    )
    net.write_text(text.replace("CHANNELS", "8"))
    before = ended(fvp_tui("campaign", str(net), *TWO, "--json"))
    net.write_text(text.replace("CHANNELS", "64"))
    after = ended(fvp_tui("campaign", str(net), *TWO, "--baseline", before["id"], "--json"), 3)
    assert (after["baseline"], before["status"], after["status"]) == (before["id"], "ok", "limit")
    for old, new in zip(before["cells"], after["cells"], strict=True):
        assert new["change_pct"] == pytest.approx(100 * (new["inference_ms"] / old["inference_ms"] - 1))
        assert "time" in new["worse"] and new["status"] == "ok"
    over = fvp_tui("campaign", str(net), *TWO, "--max-npu-cycles", "1")
    assert over.returncode == 3 and "over a limit" in over.stdout


def test_a_dry_run_begins_nothing(fvp_tui: Fvp, home: Path) -> None:
    done = fvp_tui("campaign", "sample:digits", *TWO, "--dry-run")
    assert done.returncode == 0
    assert [line.split()[3] for line in done.stdout.splitlines()] == ["ethos-u85-128", "ethos-u85-256"]
    assert not (home / "runs").exists() and not (home / "campaigns").exists()


def of_campaign(home: Path) -> list[psutil.Process]:
    """The processes of campaigns of a home."""
    return [
        one
        for one in psutil.process_iter(["cmdline"])
        if process.MODULE in (one.info["cmdline"] or ()) and str(home) in " ".join(one.info["cmdline"])
    ]


def until_begun(home: Path) -> None:
    """Wait until a run has begun."""
    while not list((home / "runs").glob("*/events.jsonl")):
        for one in of_campaign(home):
            assert one.is_running()


def test_the_same_command_goes_on_with_one_that_was_killed(fvp_tui: Fvp, home: Path) -> None:
    options = ("campaign", "sample:digits", "sample:split", *TWO)
    name = fvp_tui(*options, "--detach").stdout.strip()
    until_begun(home)
    (one,) = of_campaign(home)
    one.kill()
    one.wait()
    assert fvp_tui("campaign", "--show", name).returncode == 1  # it was broken off
    done = ended(fvp_tui(*options, "--json"))
    assert (done["id"], done["status"]) == (name, "ok")
    runs = [cell["run"] for cell in done["cells"]]
    assert len(set(runs)) == 4 and {path.name for path in (home / "runs").iterdir()} == set(runs)


def test_ctrl_c_stops_it_with_its_runs(home: Path) -> None:
    command = [*TUI, "campaign", "sample:digits", "sample:split", *TWO]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        until_begun(home)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=120)
    assert running.returncode == 130
    (name,) = (home / "campaigns").iterdir()
    assert not store.lives(name) and of_campaign(home) == []
    # The same command does what is left, and what was cut short.
    done = ended(
        subprocess.run([*command, "--json"], env=environment(home), capture_output=True, text=True, check=False)
    )
    assert (done["id"], {cell["status"] for cell in done["cells"]}) == (name.name, {"ok"})
