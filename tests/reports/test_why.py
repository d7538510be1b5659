"""Why a run did not end well, told from its state: each part where one looks for it."""

import pytest

from tests.app import fakes
from tui.compile.diagnostics import failures
from tui.reports.why import Why, why
from tui.run import events, store
from tui.run.check import Check, Link
from tui.run.events import Event
from tui.run.state import EMPTY, State, fold_all


def ended(status: str, reason: str, *what: Event, hint: str = "") -> State:
    begun = fakes.begun("a", fakes.spec_of())
    return fold_all([*begun, *what, *fakes.finished(status, reason, hint, 1)])  # type: ignore[arg-type]


def failed(stage: str, reason: str, line: str | None = None) -> Why:
    """A run that ended as one does whose model cannot be compiled."""
    finished = events.StageFinished(
        t=fakes.T0 + 3,
        stage=stage,  # type: ignore[arg-type]
        status="failed",
        seconds=3.0,
        reason=reason,
        line=line,
    )
    found = why(ended("failed", f"{stage}: {reason}", finished))
    assert found is not None
    return found


def test_a_reason_is_taken_apart() -> None:
    reason = (
        "TosaValueError: TOSA spec (1.0) doesn't support float32 for MUL; in _PassAdapter; operator tosa.MUL;"
        " at /m/kv.py:8 (take the cache (of keys) as an input; return it)"
    )
    found = failed("lower", reason, "/m/kv.py:8")
    assert found.cause == "TosaValueError: TOSA spec (1.0) doesn't support float32 for MUL"
    assert (found.line, found.beside) == ("/m/kv.py:8", "in _PassAdapter, operator tosa.MUL")
    assert found.remedy == "take the cache (of keys) as an input; return it"
    assert found.stage == "lower, 4 of 9, after 9.50 s"


def test_the_parts_are_those_that_a_failure_is_put_together_of() -> None:
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied (1x144 and 10x2)")
    found = failed("export", failures.describe(error, "export", None))
    assert found.cause == str(error)
    assert found.remedy == "torch.export must be able to trace forward(): no data-dependent Python control flow"


@pytest.mark.parametrize("reason", ["no bracket", "a bracket in(side)", "(all of it)", "unbalanced)", ""])
def test_a_reason_without_a_remedy_stays_whole(reason: str) -> None:
    found = failed("load", reason)
    assert (found.cause, found.remedy) == (reason, "")


def test_a_failure_of_the_platform_has_its_own_hint() -> None:
    boot = [*fakes.compiled(), *fakes.booted()]
    found = why(ended("failed", "the runner lacks the operator aten::copy_", *boot, hint="build it with this operator"))
    assert found is not None
    assert (found.cause, found.remedy) == ("the runner lacks the operator aten::copy_", "build it with this operator")
    assert found.stage.startswith("infer, 8 of 9, after ")
    assert (found.role, found.line) == ("fail", None)


def test_a_stopped_run_says_how_far_it_came() -> None:
    progress = events.StageProgressed(t=fakes.T0 + 2, stage="lower", what="passes", done=34, total=147)
    found = why(ended("stopped", "stopped by the user", *fakes.compiled()[:7], progress))
    assert found is not None
    assert (found.cause, found.stage) == ("stopped by the user", "lower, 4 of 9, passes 34 of 147, after 9.50 s")
    assert found.role == "warn"


def test_a_lost_run_takes_the_hint_of_who_shows_it(home: object) -> None:
    directory = fakes.gone()
    (directory / store.PROCESS_LOG).write_text("cannot write\n")
    found = why(store.load(directory), "see runner.log")
    assert found is not None
    assert found.cause == "the run process is gone without a result: cannot write"
    assert (found.remedy, found.stage[:12]) == ("see runner.log", "lower, 4 of ")


def test_a_mismatch_names_the_link_its_operator_and_what_helps(home: object) -> None:
    found = why(store.load(fakes.mismatching()))
    assert found == Why(
        cause="Lowering changed the result, 38.8 dB -> 7.9 dB",
        line="net.py:14",
        beside="first at features.1 (aten.relu)",
        links="quantized holds 38.8 dB, lowered BROKEN 7.9 dB, platform holds 7.9 dB",
        remedy="no known fault of the compiler: rewrite the operator, or leave it to the CPU",
    )


def test_a_known_fault_comes_with_its_way_out() -> None:
    link = Link(name="platform", status="mismatch", reason="output 0 is off by 3", hint="a fault of Vela; remedy: + 0")
    check = Check(status="mismatch", reason="x", links=(link,))
    found = why(fold_all([*fakes.begun("a", fakes.spec_of()), events.Checked(check=check), *fakes.finished()]))  # type: ignore[arg-type]
    assert found is not None
    assert found.cause == "The platform computed something else: output 0 is off by 3"
    assert found.remedy == "a fault of Vela; remedy: + 0"


def test_a_run_that_goes_on_or_went_well_has_no_such_reason(home: object) -> None:
    assert why(EMPTY) is None and why(store.load(fakes.whole())) is None
