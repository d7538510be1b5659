"""A data set on several processes of the platform, one for each core."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec

from tui import processes
from tui.model.tensors import Manifest
from tui.pipeline.boot import Platform, Share, boot
from tui.pipeline.outputs import Outputs
from tui.pipeline.record import Record
from tui.pipeline.requests import Requests
from tui.platform import command
from tui.run import events

LEAST = {"simulator": 50, "fvp": 2}
"""Inferences that are worth another process, by the kind of platform: one of the simulator takes a blink."""

WORSE_FIRST = ("fail", "stopped", "pass")


def shares(record: Record, platform: Platform, manifest: Manifest) -> list[Share]:
    """Divide the inferences among processes: one share unless there are many different inputs.

    Nothing is divided where an inference depends on earlier ones, where the platform stays for further ones, or where
    an emulated CPU is counted.
    """
    count = min(processes.cores(), manifest.inferences // LEAST[platform.choice.kind])
    together = manifest.samples == 1 or manifest.state is not None or platform.choice.engine == "firmware"
    if together or record.spec.serve or count < 2:
        return [Share(0, manifest.inferences)]
    given_up = threading.Event()
    divided = processes.shares(manifest.inferences, count)
    return [Share(share.start, len(share), number, given_up) for number, share in enumerate(divided)]


def boot_all(
    record: Record, platform: Platform, requests: Requests, outputs: Outputs, parts: Sequence[Share]
) -> events.PlatformExited:
    """Run all shares at once, and return the worst verdict. Once one fails, the others are ended."""
    record.note(
        f"the inputs were shared among {len(parts)} processes of the platform, one for each core; the log is that of "
        f"the first, artifacts/console_2.log and so on are the others'"
    )

    def one(share: Share) -> events.PlatformExited:
        try:
            verdict = boot(record, _own(record, platform, share), requests, outputs, share)
        except BaseException:
            share.given_up.set()
            raise
        if verdict.verdict == "fail":
            share.given_up.set()
        return verdict

    # As many threads as shares: a process ends with the thread that has started it.
    with ThreadPoolExecutor(len(parts)) as threads:
        running = [threads.submit(one, share) for share in parts]
    verdicts = [future.result() for future in running]
    worst = min(range(len(parts)), key=lambda at: WORSE_FIRST.index(verdicts[at].verdict))
    if verdicts[worst].verdict != "fail":
        return verdicts[worst]
    share = parts[worst]
    place = f"inferences {share.first + 1} to {share.first + share.inferences}"
    return msgspec.structs.replace(verdicts[worst], reason=f"{place}: {verdicts[worst].reason}")


def _own(record: Record, platform: Platform, share: Share) -> Platform:
    """The platform with a folder of the share's own."""
    if not share.number:
        return platform
    folder = platform.folder / f"process_{share.number + 1}"
    folder.mkdir(exist_ok=True)
    program = command.program_name(record.spec)
    shutil.copyfile(platform.folder / program, folder / program)
    return replace(platform, folder=folder)
