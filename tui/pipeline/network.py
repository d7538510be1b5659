"""Networks that Vela reads by itself (.tflite, .tosa): compiled by Vela alone, and the references of their outputs."""

import subprocess
import sys
from pathlib import Path

import msgspec

from tui import processes
from tui.compile import client, lending
from tui.compile.network_refs import NOTHING
from tui.model import tensors
from tui.pipeline import aot
from tui.pipeline.record import Record
from tui.toolchain import toolchains

REFERENCES_S = 600.0
"""Time that the reference may take for all inputs of a run."""
POLL_S = 0.1
LONGEST = 200
"""Characters of a reason."""


def take_network(record: Record) -> None:
    """Compile the network of a run, and compute what its outputs are compared with.

    Raises:
        Stopped: the user wants the run to end.
        Ended: Vela does not compile it.
        UserError: the Vela that is asked for cannot be had.
    """
    toolchain = toolchains.of(record.spec.toolchain)
    environment = lending.environment(toolchain, record.spec.vela, record.note)
    worker = client.process([toolchain.python, "-m", "tui.compile.network", str(record.directory)], environment)
    aot.follow(record, worker, last="vela")
    record.go_on()
    if record.spec.until == "check":
        _refer(record, environment, toolchain.python)


def _refer(record: Record, environment: dict[str, str], python: str) -> None:
    """Compute the references, or note in the manifest why there are none."""
    model = Path(record.spec.model)
    # LiteRT is an extra of this program, the TOSA reference model a part of ExecuTorch's.
    own = model.suffix == ".tflite"
    command = [sys.executable if own else python, "-m", "tui.compile.network_refs", str(model)]
    worker = client.process([*command, str(record.artifacts)], processes.environment() if own else environment)
    if (why := _why_not(record, worker)) is None:
        record.keep(record.artifacts / tensors.REFERENCES)
        return
    (record.artifacts / tensors.REFERENCES).unlink(missing_ok=True)
    manifest = tensors.read_manifest(record.artifacts)
    tensors.write_manifest(record.artifacts, msgspec.structs.replace(manifest, unchecked=why))
    record.note(f"outputs are not compared: {why}")


def _why_not(record: Record, worker: "subprocess.Popen[bytes]") -> str | None:
    """The reason why a process gave no references; None where it did."""
    left = REFERENCES_S
    try:
        while True:
            record.go_on()
            try:
                said, errors = worker.communicate(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                left -= POLL_S
                if left <= 0:
                    return f"the reference took longer than {REFERENCES_S:.0f} s"
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.communicate()
    if worker.returncode == 0:
        return None
    if worker.returncode == NOTHING:
        return _line(said) or "no reason is given"
    end = f"signal {-worker.returncode}" if worker.returncode < 0 else f"exit status {worker.returncode}"
    last = _line(errors)
    return f"the reference ended with {end}" + (f": {last}" if last else "")


def _line(said: bytes) -> str:
    """The last line that a process wrote."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:LONGEST] if lines else ""
