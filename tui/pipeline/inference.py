"""The stages boot and infer: the platform, boot by boot, and the verdict on how it ended.

Its imports take a good part of a second: the run process loads it while the compiler works.
"""

import shutil

import msgspec

from tui.errors import Exit
from tui.pipeline import board, preflight, profile, side_by_side
from tui.pipeline.boot import Platform, Share, boot
from tui.pipeline.outputs import Outputs
from tui.pipeline.record import Ended, Record, Stopped
from tui.pipeline.requests import Requests
from tui.platform import command
from tui.run import events, store


def run(record: Record, platform: Platform, requests: Requests) -> Outputs:
    """Run all inferences on the platform, and return their outputs.

    Raises:
        Stopped: the user wants the run to end.
        Ended: the platform did not end well.
        UserError: the runner holds another program.
    """
    preflight.note_differences(record, platform)
    preflight.note_unknown_npu(record, platform)
    platform.folder.mkdir(exist_ok=True)
    shutil.copyfile(store.program(record.artifacts), platform.folder / command.program_name(record.spec))
    preflight.check_embedded_program(record, platform)
    preflight.note_simulated_cycles(record, platform)
    earlier = store.earlier(record.directory, record.spec, platform.choice.kind)
    if earlier is not None:
        record.emit(events.EarlierKnown(earlier=earlier))
    outputs = Outputs(record, requests, booted_each=platform.booted_each)
    record.begin("boot")
    verdict = _boots(record, platform, requests, outputs)
    outputs.keep()
    profile.keep_etdump(record, platform.folder)
    _judge(record, verdict)
    return outputs


def _boots(record: Record, platform: Platform, requests: Requests, outputs: Outputs) -> events.PlatformExited:
    """Boot once, or several processes for a data set, or for each inference until one ends badly: the verdict."""
    inferences = requests.manifest.inferences
    boot_one = board.boot if platform.choice.kind == "serial" else boot
    if platform.choice.kind != "serial" and (not platform.booted_each or inferences == 1):
        shares = side_by_side.shares(record, platform, requests.manifest)
        if len(shares) > 1:
            return side_by_side.boot_all(record, platform, requests, outputs, shares)
        return boot(record, platform, requests, outputs, Share(0, inferences))
    stateful = record.program().main.state
    lost = ": its state was lost each time" if stateful else ""
    if inferences > 1:
        record.note(f"the platform was booted for each of {inferences} inferences{lost}")
    for first in range(inferences):
        verdict = boot_one(record, platform, requests, outputs, Share(first, 1))
        if verdict.verdict == "fail" and inferences > 1:
            reason = f"inference {first + 1} of {inferences}: {verdict.reason}"
            return msgspec.structs.replace(verdict, reason=reason)
        if verdict.verdict == "stopped":
            break
    return verdict


def _judge(record: Record, verdict: events.PlatformExited) -> None:
    """Record the platform's end; go on only if it ended well."""
    record.emit(verdict)
    match verdict.verdict:
        case "pass":
            _finish(record, "ok")
        case "stopped":
            _finish(record, "stopped", verdict.reason)
            raise Stopped
        case "fail":
            _finish(record, "failed", verdict.reason)
            raise Ended(verdict.reason, Exit.FAILED, verdict.hint)


def _finish(record: Record, status: events.StageStatus, reason: str | None = None) -> None:
    record.finish("boot", status, reason)
    record.finish("infer", status, reason)
