"""Short names of runs: each finds its run and no other."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app import fakes
from tests.conftest import Fvp
from tui.run import names


def test_the_last_part_of_an_id_is_its_name_while_no_other_has_it() -> None:
    one, two = "20261123-021531-digits-u85-256-7f3a", "20261124-021531-digits-u85-256-00bb"
    assert names.short([one, two]) == {one: "7f3a", two: "00bb"}
    twin = "20261125-101010-split-u85-256-7f3a"
    assert names.short([one, twin]) == {one: "20261123-021531", twin: "20261125-101010"}
    # Of two in the same second with the same last part, as much of the id as tells them apart.
    beside = "20261123-021531-split-u85-256-7f3a"
    assert names.short([one, beside]) == {one: "20261123-021531-d", beside: "20261123-021531-s"}


def test_a_last_part_that_begins_an_id_means_that_id() -> None:
    one, two = "20251123-021531-digits-u85-256-2026", "20261124-021531-digits-u85-256-00bb"
    assert names.matches("2026", [one, two]) == [two]
    assert names.short([one, two])[one] == "20251123-021531"


STAMPS = st.sampled_from(["20261123-021531", "20261123-021532", "20261124-021531", "2026"])
MIDDLES = st.sampled_from(["-digits-u85-256-", "-digits-", "-", ""])
TOKENS = st.sampled_from(["7f3a", "00bb", "2026", "", "7f3a1", "x[/b]"])


@given(st.sets(st.builds("{}{}{}".format, STAMPS, MIDDLES, TOKENS).filter(bool)))
def test_a_short_name_finds_its_run(runs: set[str]) -> None:
    listed = sorted(runs)
    assert {run: names.matches(name, listed) for run, name in names.short(runs).items()} == {r: [r] for r in runs}


@pytest.mark.parametrize("command", [["show"], ["log"], ["advise"], ["compare", "00bb"], ["pin"], ["export"]])
def test_commands_take_it_for_a_run(command: list[str], home: Path, fvp_tui: Fvp, tmp_path: Path) -> None:
    fakes.faster("20261123-021531-digits-u85-256-7f3a", 4_000)
    fakes.faster("20261124-021531-digits-u85-256-00bb", 4_000)
    if command == ["export"]:
        command = ["export", "--format", "html", "-o", str(tmp_path / "run.html")]
    done = fvp_tui(*command, "7f3a")
    assert done.returncode == 0, done.stderr
    assert fvp_tui("show", "7f3b").returncode == 2
