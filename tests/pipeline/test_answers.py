"""Answers are told as they come, with how many are right so far; the last count is that of the check."""

from collections.abc import Callable

import numpy as np

from tests.conftest import Ran
from tui.model import tensors
from tui.run import events, journal

COUNT = 12


def test_answers_come_one_by_one_and_add_up_to_the_check(ran: Callable[..., Ran]) -> None:
    run = ran("sample:digits", "--inferences", str(COUNT))
    told = list(journal.read(run.directory / journal.FILE))
    answered = [event for event in told if isinstance(event, events.Answered)]
    assert [event.answer.inference for event in answered] == list(range(COUNT))
    labels = tensors.read_manifest(run.artifacts).labels
    with np.load(run.artifacts / "outputs.npz") as outputs:
        for event in answered:
            row = np.frombuffer(outputs[f"{event.answer.inference}_0"].tobytes(), np.float32)
            assert event.answer.label == labels[event.answer.inference]
            assert dict(event.answer.top) == dict(enumerate(row.tolist()))
            assert [value for _, value in event.answer.top] == sorted(row.tolist(), reverse=True)
    assert [event.accuracy.inputs for event in answered if event.accuracy] == list(range(1, COUNT + 1))
    checked = next(event.check for event in told if isinstance(event, events.Checked))
    assert answered[-1].accuracy == checked.accuracy
    # How far it is, is told before the first and not after each: viewers draw twice a second.
    progress = [e for e in told if isinstance(e, events.StageProgressed) and e.stage == "infer"]
    assert (progress[0].what, progress[0].done, progress[0].total) == ("inferences", 0, COUNT)
    assert len(progress) < COUNT


def test_outputs_that_are_no_choice_are_no_answer(ran: Callable[..., Ran]) -> None:
    run = ran("sample:split")
    assert not any(isinstance(event, events.Answered) for event in journal.read(run.directory / journal.FILE))
