"""Data sets in slices: a run for each, and one row whose counts are the whole's."""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.campaign.test_campaigns import ended
from tests.conftest import REPOSITORY, Fvp
from tui.campaign.configuration import CellResult, merged

COUNT = 30
OPTIONS = ("--targets", "ethos-u85-128", "--platform", "simulator")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Held-out images with noise, so that some answers are wrong."""
    path = tmp_path / "noisy.npz"
    with np.load(REPOSITORY / "sample_models" / "data" / "digits.npz") as held:
        images, labels = held["held_out"][:COUNT].astype(np.float32) / 16, held["labels"][:COUNT]
    noise = np.random.default_rng(0).normal(0, 0.25, images.shape).astype(np.float32)
    np.savez(path, inputs=np.clip(images + noise, 0, 1), labels=labels)
    return path


def test_slices_are_one_row_with_the_counts_of_the_whole(fvp_tui: Fvp, home: Path, data: Path, tmp_path: Path) -> None:
    command = ("campaign", "sample:digits", *OPTIONS, "--dataset", str(data))
    (whole,) = ended(fvp_tui(*command, "--json"))["cells"]
    dry = fvp_tui(*command, "--slices", "2", "--dry-run").stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in dry] == ["inputs 0 to 14", "inputs 15 to 29"]
    (row,) = ended(fvp_tui(*command, "--slices", "2", "--json"))["cells"]
    assert len(row["runs"]) == 2 and row["run"] in row["runs"]
    same = ("status", "check", "correct", "answers", "accuracy", "confusion", "npu_cycles", "inference_ms")
    assert {name: row[name] for name in same} == {name: whole[name] for name in same}
    assert row["answers"] == COUNT > row["correct"]
    shown = fvp_tui("campaign", "--show", "last", "--accuracy").stdout
    assert f"platform {row['correct']} of {COUNT} correct" in shown
    fvp_tui("campaign", "--show", "last", "--report", str(tmp_path / "report"), "--csv", str(tmp_path / "cells.csv"))
    assert "confusion matrix" in (tmp_path / "report" / "index.html").read_text()
    pages = {page.stem for page in (tmp_path / "report" / "runs").iterdir()}
    assert pages == set(row["runs"])
    (line,) = csv.DictReader((tmp_path / "cells.csv").read_text().splitlines())
    assert line["runs"].split() == row["runs"] and line["answers"] == str(COUNT)


@pytest.mark.parametrize(("count", "more"), [("0", ()), ("2", ()), ("9", ("--inferences", "8"))])
def test_more_slices_than_inputs_are_refused(count: str, more: tuple[str, ...], fvp_tui: Fvp) -> None:
    done = fvp_tui("campaign", "sample:digits", *OPTIONS, "--slices", count, *more)
    assert done.returncode == 2 and f"{count} slices of" in done.stderr


def cell(**figures: object) -> CellResult:
    known = {"model": "m", "target": "t", "memory_mode": "", "system_config": "", "quantize": "int8", "status": "ok"}
    return msgspec.convert({**known, "check": "match", "inference_ms": 1.0, **figures}, CellResult)


@pytest.mark.parametrize(
    ("others", "status", "check"),
    [
        ([{}], "ok", "match"),
        ([{"status": "waiting", "check": None}], "waiting", None),
        ([{"status": "waiting", "check": None, "begun": 1.0}], "running", None),
        ([{"status": "running", "check": None}, {"status": "failed", "check": None}], "failed", None),
        ([{"check": "mismatch"}, {"check": "skipped"}], "ok", "mismatch"),
        ([{"check": "skipped"}], "ok", "skipped"),
        ([{"status": "limit"}], "limit", "match"),
    ],
)
def test_all_is_well_only_if_it_is_in_each_slice(
    others: list[dict[str, object]], status: str, check: str | None
) -> None:
    further = [cell(**one) for one in others]
    for slices in ([cell(), *further], [*further, cell()]):
        (row,) = merged(slices)
        assert (row.status, row.check) == (status, check)


def test_shares_are_taken_of_sums() -> None:
    (row,) = merged([cell(correct=1, answers=1, accuracy=1.0), cell(correct=0, answers=3, accuracy=0.0)])
    assert (row.correct, row.answers, row.accuracy) == (1, 4, 0.25)
    (row,) = merged([cell(correct=1, answers=1, accuracy=1.0), cell(status="running", inference_ms=None)])
    assert (row.correct, row.answers, row.accuracy) == (None, None, None)
