"""The journal of a campaign: what is written is read, however it is cut, and folds to what happened."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tui.campaign import events, store
from tui.campaign.cells import Figures
from tui.campaign.events import EMPTY, CampaignFinished, CampaignStarted, CellFinished, CellStarted
from tui.run.events import Event, encode

KEYS = st.sampled_from("abcde")
FIGURES = st.builds(Figures, total_cycles=st.integers(0, 10**9) | st.none(), check=st.sampled_from(["match", None]))
EVENTS = st.one_of(
    st.builds(CellStarted, t=st.floats(1, 1e9), key=KEYS, run=st.text(max_size=5), attempt=st.integers(1, 3)),
    st.builds(
        CellFinished, t=st.floats(1, 1e9), key=KEYS, outcome=st.sampled_from(events.END), figures=FIGURES,
        reason=st.text(max_size=20) | st.none(),
    ),
    st.builds(
        CampaignStarted, t=st.floats(1, 1e9), pid=st.integers(1, 9), pid_created=st.just(1.0), host=st.just("h"),
        workers=st.integers(1, 8),
    ),
    st.builds(CampaignFinished, t=st.floats(1, 1e9), status=st.sampled_from(["ok", "stopped"]), seconds=st.just(1.0)),
)  # fmt: skip


@given(st.lists(EVENTS, max_size=30), st.data())
def test_however_a_journal_is_cut_it_folds_to_the_same(happened: list[Event], data: st.DataObject) -> None:
    lines = [encode(event) for event in happened]
    assert events.decode(lines) == happened
    at = data.draw(st.integers(0, len(lines)))
    whole = events.fold(EMPTY, events.decode(lines))
    assert events.fold(events.fold(EMPTY, events.decode(lines[:at])), events.decode(lines[at:])) == whole
    last = {event.key: event for event in happened if isinstance(event, CellStarted | CellFinished)}
    assert whole.cells.keys() == last.keys()
    for key, event in last.items():
        known = whole.of(key)
        assert known.status == (event.outcome if isinstance(event, CellFinished) else "running")


@given(st.lists(EVENTS, max_size=10), st.binary(max_size=60))
def test_a_damaged_line_hides_no_other(happened: list[Event], noise: bytes) -> None:
    lines = [encode(event) for event in happened]
    torn = noise.replace(b"\n", b"")
    assert events.decode([*lines, torn, *lines])[: len(lines)] == happened


def test_a_follower_reads_what_is_new(tmp_path: Path) -> None:
    follower = store.Follower(tmp_path)
    assert follower.poll() == [] and follower.state == EMPTY
    one, other = CellStarted(t=1.0, key="a"), CellFinished(t=2.0, key="a", outcome="ok")
    file = tmp_path / "events.jsonl"
    file.write_bytes(encode(one) + b"\n" + encode(other)[:10])
    assert follower.poll() == [one] and follower.state.of("a").status == "running"
    file.write_bytes(encode(one) + b"\n" + encode(other) + b"\n")
    assert follower.poll() == [other] and follower.state.of("a").status == "ok"
