"""Changes of latency: against the run before of the same model and target, or against the baseline."""

import random
from pathlib import Path

import msgspec
import pytest

from tests.app import fakes
from tests.conftest import Fvp
from tui.analysis.changes import Changes, with_references
from tui.run import baselines, index
from tui.run.baselines import Family
from tui.run.index import Row
from tui.toolchain.target import Target

BASE = fakes.T0


def made(number: int, latency_ms: float | None, **changes: object) -> Row:
    name = f"20261123-0215{number:02}-digits-u85-256-{number:04x}"
    row = Row(
        **(
            dict.fromkeys(Row.__struct_fields__)  # type: ignore[arg-type]
            | {"name": name, "id": name, "status": "ok", "outcome": "ok", "stages": {}, "pinned": False}
        )
    )
    known = {"model": "sample:digits", "accelerator": "ethos-u85-256", "latency_ms": latency_ms, "latency_by": "vela"}
    return msgspec.structs.replace(row, **(known | changes))


def test_a_run_is_measured_against_the_one_before_of_its_model_and_target() -> None:
    rows = [
        made(1, 0.1),
        made(2, 0.2, accelerator="ethos-u85-128"),
        made(3, None, status="failed"),
        made(4, 0.08),
        made(5, 0.3, model="sample:split"),
        made(6, 0.07, latency_by="fvp"),
        made(7, 0.08),
    ]
    shuffled = random.Random(1).sample(rows, len(rows))
    changes = Changes(shuffled, {})
    found = [changes.change_pct(row) for row in rows]
    assert found == [None, None, None, pytest.approx(-20), None, None, 0.0]
    assert changes.before(rows[6]) == rows[3] and changes.reference(rows[3]).run == rows[0]  # type: ignore[union-attr]
    assert changes.series(rows[3]) == [rows[0], rows[3]] and changes.of_target(rows[3]) == [rows[0], rows[3], rows[6]]
    assert changes.series(rows[2]) == []


def test_a_baseline_is_what_all_targets_of_its_kind_are_measured_against() -> None:
    rows = [
        made(1, 0.1),
        made(2, 0.05),
        made(3, 0.2, accelerator="ethos-u85-128"),
        made(4, 1.0, accelerator="ethos-u55-128"),
    ]
    changes = Changes(rows, {Family("sample:digits", "ethos-u85"): rows[1].name})
    references = [changes.reference(row) for row in rows]
    assert [r and (r.run, r.baseline) for r in references] == [(rows[1], True), None, (rows[1], True), None]
    assert [changes.change_pct(row) for row in rows] == [pytest.approx(100), None, pytest.approx(300), None]
    assert [changes.is_baseline(row) for row in rows] == [False, True, False, False]
    gone = Changes(rows, {Family("sample:digits", "ethos-u85"): "20250101-000000-digits-u85-256-ffff"})
    assert gone.reference(rows[1]).run == rows[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_the_newest_runs_come_with_all_that_their_changes_need(most: int, home: Path) -> None:
    rows = [made(9 - n, 0.1 * (9 - n), model=f"sample:{'ab'[n % 2]}") for n in range(9)]
    few = list(with_references(iter(rows), most))
    assert few == rows[: len(few)] and len(few) >= most
    whole, part = Changes(rows, {}), Changes(few, {})
    assert [part.change_pct(row) for row in rows[:most]] == [whole.change_pct(row) for row in rows[:most]]
    baselines.mark(Family("sample:b", "ethos-u85"), rows[7].name)
    whole, part = Changes(rows), Changes(with_references(iter(rows), most))
    assert [part.change_pct(row) for row in rows[:most]] == [whole.change_pct(row) for row in rows[:most]]


def test_baselines_are_kept_and_a_damaged_file_of_them_is_none(home: Path) -> None:
    one, other = Family("sample:digits", "ethos-u85"), Family(fakes.HOSTILE, "ethos-u55")
    assert baselines.read() == {}
    baselines.mark(one, "a")
    baselines.mark(other, "b")
    baselines.mark(one, "c")
    assert baselines.read() == {one: "c", other: "b"}
    baselines.mark(one, None)
    assert baselines.read() == {other: "b"}
    (home / baselines.FILE).write_bytes(b"[3")
    assert baselines.read() == {}


@pytest.mark.parametrize(
    ("accelerator", "npu"),
    [("ethos-u85-256", "ethos-u85"), ("ethos-u55-128", "ethos-u55"), ("cortex-m55", "cortex-m55"), ("", "")],
)
def test_a_family_is_of_npus_of_any_size(accelerator: str, npu: str) -> None:
    assert baselines.family("m", accelerator) == Family("m", npu)
    assert baselines.family(None, accelerator) is None and baselines.family("m", None) is None


def test_history_prints_changes_and_says_which_are_against_the_baseline(home: Path, fvp_tui: Fvp) -> None:
    for day, cycles in ((20, 4_000), (21, 4_400), (22, 4_100)):
        fakes.faster(f"202611{day}-010101-digits-u85-256-00{day}", cycles)
    fakes.whole("20261122-020202-split-u85-128-0023", fakes.spec_of(target=Target(accelerator="ethos-u85-128")))

    def changed(*options: str) -> list[str]:
        return [line.split("µs")[1].split()[:3] for line in fvp_tui("history", *options).stdout.splitlines()[1:]]  # type: ignore[misc]

    assert [" ".join(words) for words in changed()] == ["match 9.50 s", "-6.8 % –", "+10.0 % –", "– 9.50 s"]
    (newest,) = [row for row in index.history() if row.name.endswith("0022")]
    baselines.mark(Family("sample:digits", "ethos-u85"), newest.name)
    assert [" ".join(words) for words in changed()] == ["+5.7 % b", "baseline – 9.50", "+7.3 % b", "-2.4 % b"]
    assert [" ".join(words) for words in changed("-n", "1")] == ["+5.7 % b"]
