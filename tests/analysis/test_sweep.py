"""A sweep: lowered once, Vela for each configuration, the same figures as each compiled alone."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Fvp, Ran, taken_over
from tui.analysis.sweep import Point, grid, lowered_alike, result
from tui.errors import UsageError
from tui.toolchain import boards
from tui.toolchain.target import Target

RanModel = Callable[..., Ran]
DIGITS = "sample:digits"


def test_points_are_what_each_configuration_gives_alone(fvp_tui: Fvp, ran: RanModel, tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    options = ("--targets", "ethos-u85-256,ethos-u85-1024", "--memory-modes", "Sram_Only,Shared_Sram")
    done = fvp_tui("sweep", DIGITS, *options, "--json", "--csv", str(table))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["schema_version"], found["model"]) == (1, DIGITS)
    places = [(p["memory_mode"], p["target"]) for p in found["points"]]
    assert places == [(m, t) for m in ("Sram_Only", "Shared_Sram") for t in ("ethos-u85-256", "ethos-u85-1024")]
    for at, alone in ((0, ran(DIGITS)), (1, ran(DIGITS, "--target", "ethos-u85-1024"))):
        estimate = alone.state["estimate"]
        names = ("total_cycles", "npu_cycles", "inference_ms", "sram_kib", "dram_kib", "flash_kib")
        assert {name: found["points"][at][name] for name in names} == {name: estimate[name] for name in names}
        # The operators of the run tell which memory is in the way, and for how long.
        waits = [o for o in alone.state["operators"] if o["bound"] in ("Sram", "Dram")]
        known = sum(o["total_cycles"] for o in alone.state["operators"] if o["bound"] and o["total_cycles"])
        share = sum(o["total_cycles"] or 0 for o in waits) / known
        assert found["points"][at]["memory_share"] == pytest.approx(share)
        assert found["points"][at]["macs"] == estimate["macs"]
    fastest = min(found["points"], key=lambda p: p["inference_ms"])
    assert found["best"] == fastest
    assert found["cheapest"]["target"] == "ethos-u85-256"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["total_cycles"]) for row in rows] == [p["total_cycles"] for p in found["points"]]


def test_limits_and_what_vela_refuses(fvp_tui: Fvp) -> None:
    options = ("--targets", "ethos-u85-128,ethos-u85-2048", "--memory-modes", "Sram_Only,Dedicated_Sram")
    systems = ("--system-configs", "Ethos_U85_SYS_Flash_Low")
    done = fvp_tui("sweep", DIGITS, *options, *systems, "--max-inference-ms", "0.02", "--json")
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)["points"]
    refused = [p for p in points if p["memory_mode"] == "Dedicated_Sram"]
    assert all(not p["ok"] and p["total_cycles"] is None and "needs DRAM" in p["reason"] for p in refused)
    text = fvp_tui("sweep", DIGITS, *options, *systems, "--max-npu-cycles", "1")
    assert text.returncode == 3
    assert "the limit is 1" in json.dumps(
        json.loads(fvp_tui("sweep", DIGITS, *options, *systems, "--max-npu-cycles", "1", "--json").stdout)
    )
    assert "Sram_Only" in text.stdout and "!" in text.stdout and "★" not in text.stdout
    assert "none keeps the limit: " in text.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--targets", "ethos-u85-257"), "did you mean ethos-u85-256"),
        (("--memory-modes", "Sram_only"), "did you mean Sram_Only"),
        (("--targets", ","), "at least one"),
        (("--csv", "/no/such/folder/points.csv"), "no folder /no/such/folder"),
    ],
)
def test_what_is_wrong_is_refused_before_compiling(
    options: tuple[str, ...], said: str, fvp_tui: Fvp, home: Path
) -> None:
    done = fvp_tui("sweep", DIGITS, *options)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert not (home / "runs").exists()


def test_families_stand_in_one_table_each_lowered_for_itself(fvp_tui: Fvp) -> None:
    done = fvp_tui("sweep", DIGITS, "--targets", "ethos-u55-128,ethos-u85-128", "--memory-modes", "Sram_Only")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("run 2") == 2
    heading, *rows = [line.split() for line in done.stdout.splitlines()[2:5]]
    assert heading == ["Sram_Only", "system", "config", "clock"]
    assert [(row[0], *row[-3:]) for row in rows] == [
        ("ethos-u55-128", "High_End_Embedded", "500", "MHz"),
        ("ethos-u85-128", "SYS_DRAM_Mid", "1", "GHz"),
    ]
    assert "★ fastest   ethos-u85-128" in done.stdout


def test_a_family_stands_for_its_sizes_and_has_its_own_modes_and_system() -> None:
    u55, u85 = boards.ETHOS_U55, boards.ETHOS_U85
    targets = grid((u55.accelerator, u85.accelerator_of(128)))
    assert targets == [
        *(Target(n, u55.default_system_config, mode) for mode in u55.memory_modes for n in u55.accelerators),
        *(Target(u85.accelerator_of(128), memory_mode=mode) for mode in u85.memory_modes),
    ]
    assert lowered_alike(targets) == [list(range(8)), [8, 9, 10]]
    # A system config is its family's alone; the other keeps the default.
    named = grid((u55.accelerator_of(32), u85.accelerator_of(128)), ("Sram_Only",), ("Ethos_U85_SYS_Flash_Low",))
    assert [target.system_config for target in named] == [u55.default_system_config, "Ethos_U85_SYS_Flash_Low"]
    with pytest.raises(UsageError, match="of another NPU than ethos-u55-32"):
        grid((u55.accelerator_of(32),), (), ("Ethos_U85_SYS_Flash_Low",))


def point(macs: int, mode: str, ms: float | None, sram: float = 1.0, ok: bool = True) -> Point:
    return Point(target=f"ethos-u85-{macs}", memory_mode=mode, system_config="x", inference_ms=ms, sram_kib=sram, ok=ok)


def test_the_best_is_the_fastest_and_the_cheapest_the_smallest_that_keep_the_limits() -> None:
    points = [
        point(128, "a", 4.0, ok=False),
        point(256, "a", 2.0, sram=8),
        point(256, "b", 3.0, sram=4),
        point(512, "a", 1.0),
        point(1024, "a", 1.0),
        point(2048, "a", None, ok=False),
    ]
    found = result("m", points)
    assert (found.best, found.cheapest) == (points[3], points[2])
    assert result("m", points[:1]).best is None


def test_the_graphs_of_a_run_are_swept_without_the_model(fvp_tui: Fvp, ran: RanModel, home: Path) -> None:
    options = ("--targets", "ethos-u85-128,ethos-u85-256", "--memory-modes", "Sram_Only")
    run = ran(DIGITS)
    name = taken_over(run, home)
    done = fvp_tui("sweep", "last", *options, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["model"], [path.name for path in (home / "runs").iterdir()]) == (DIGITS, [name])
    assert found["points"][1]["total_cycles"] == run.state["estimate"]["total_cycles"]
    refused = {
        ("--quantize", "int8"): "is lowered already, without --quantize",
        ("--targets", "ethos-u55"): "is lowered for Ethos-U85, not for ethos-u55-32",
    }
    for more, said in refused.items():
        done = fvp_tui("sweep", name[-4:], *more)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    ready = json.loads(fvp_tui("run", str(run.artifacts / "model.pte"), "--json").stdout)["run"]["id"]
    done = fvp_tui("sweep", ready)
    assert (done.returncode, "has no lowered graphs" in done.stderr) == (2, True), done.stderr
