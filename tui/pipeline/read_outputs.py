"""Outputs that a log holds: kept, and checked as far as something is known to check them against."""

from collections.abc import Sequence

import numpy as np

from tui.model import tensors
from tui.model.tensors import Manifest
from tui.pipeline import check as checking
from tui.pipeline.outputs import OUTPUTS
from tui.pipeline.record import Record
from tui.platform import delivery
from tui.run import events
from tui.run.check import BundleTest, Check, CheckStatus, Link

NO_PROGRAM = "the log's program is not known: --model X.pte"
OTHER_INPUTS = "they are not those of the reference, and the log does not tell what inputs it had"
BY_ITSELF = "compared by the program itself, with what is bundled with it"


def check(record: Record, console: bytes) -> None:
    """Keep the outputs of the log's last inference, and record what can be said of them."""
    known = (record.artifacts / tensors.MANIFEST).exists()
    result = _of_program(record, console) if known else _without_program(record, console)
    tests = record.state.bundle
    if result.status == "skipped" and tests and all(test.passed is not None for test in tests):
        result = _by_itself(tests)
    record.emit(events.Checked(check=result))
    status: events.StageStatus = "skipped" if result.status == "skipped" else "ok"
    record.emit(events.StageFinished(stage="check", status=status, seconds=None, reason=result.reason))


def _of_program(record: Record, console: bytes) -> Check:
    manifest = tensors.read_manifest(record.artifacts)
    taken = delivery.take("address", record.artifacts, manifest.outputs, console)
    if taken.outputs is None:
        return Check(status="skipped", reason=f"no outputs in the log: {taken.why}")
    _keep(record, taken.outputs)
    results = [_compared(record, manifest, sample, taken.outputs) for sample in _samples(record, manifest)]
    return next((one for one in results if one.status == "match"), results[0])


def _samples(record: Record, manifest: Manifest) -> Sequence[int]:
    """The inputs that the last inference can have had: the test case it names, else any."""
    tests = record.state.bundle
    if tests and tests[-1].index < manifest.samples:
        return (tests[-1].index,)
    return range(manifest.samples)


def _compared(record: Record, manifest: Manifest, sample: int, outputs: Sequence[bytes]) -> Check:
    result = checking.compare(record.artifacts, manifest, [sample], [outputs], links=record.state.links, printed=True)
    if result.status != "mismatch" or record.state.bundle:
        return result
    # A run compared with the inputs of another one is no mismatch: nobody said that they were the same.
    return Check(status="skipped", reason=f"not comparable with the reference: {OTHER_INPUTS}")


def _keep(record: Record, outputs: Sequence[bytes]) -> None:
    path = record.artifacts / OUTPUTS
    np.savez_compressed(path, **{f"0_{at}": np.frombuffer(data, np.uint8) for at, data in enumerate(outputs)})
    record.keep(path)


def _without_program(record: Record, console: bytes) -> Check:
    """Keep what was printed of outputs whose shapes nobody knows, as flat arrays."""
    infos = delivery.printed_infos(console)
    if not infos:
        return Check(status="skipped", reason=f"no outputs in the log; {NO_PROGRAM}")
    taken = delivery.take("address", record.artifacts, infos, console)
    if taken.outputs is None:
        return Check(status="skipped", reason=f"outputs of the log are not whole: {taken.why}")
    path = record.artifacts / OUTPUTS
    arrays = zip(taken.outputs, infos, strict=True)
    np.savez_compressed(path, **{f"0_{at}": np.frombuffer(d, i.dtype) for at, (d, i) in enumerate(arrays)})
    record.keep(path)
    return Check(status="skipped", reason=f"nothing to compare the outputs with; {NO_PROGRAM}")


def _by_itself(tests: Sequence[BundleTest]) -> Check:
    """The check that the runner of a bundled program made."""
    passed = all(test.passed for test in tests)
    errors = [test.max_abs_error for test in tests if test.max_abs_error is not None]
    status: CheckStatus = "match" if passed else "mismatch"
    link = Link(name="platform", status=status, max_abs_error=max(errors, default=None), reason=BY_ITSELF)
    return Check(status=status, reason=BY_ITSELF, reference="bundle", links=(link,))
