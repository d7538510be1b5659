"""``python -m tests.toolchains [RELEASE...]``: models under each supported release of ExecuTorch, as a toolchain.

Printed is a row for each model and quantization: for each release the verdict, the simulator's cycles and the links.
Exits with 1 where a run fails, where its outputs do not match, or where they do though they are known to be wrong.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from tests.conftest import environment
from tests.toolchains import MODELS, QUANTIZATIONS, RELEASES, WRONG, release


def ran(home: Path, toolchain: Path, model: str, quantize: str) -> dict[str, Any]:
    """The state of a run."""
    command = [sys.executable, "-m", "tui", "run", model, "--quantize", quantize, "--toolchain", str(toolchain)]
    done = subprocess.run([*command, "--json"], env=environment(home), capture_output=True, text=True, check=False)
    if not done.stdout:
        return {"run": {"status": "failed", "reason": done.stderr.strip()}, "check": None, "inferences": []}
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def words(state: dict[str, Any]) -> tuple[str, bool]:
    """A cell of the table, and whether all is well."""
    if state["run"]["status"] != "ok":
        return f"{state['run']['status']}: {state['run']['reason'][:60]}", False
    check = state["check"]
    errors = ((link["status"], link["max_abs_error"]) for link in check["links"])
    links = " ".join(status if error is None else f"{error:.2g}" for status, error in errors)
    return f"{check['status']} {state['inferences'][0]['npu_cycles']:,} ({links})", check["status"] == "match"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.toolchains")
    parser.add_argument("releases", nargs="*", metavar="RELEASE", default=RELEASES)
    releases = parser.parse_args().releases
    cache = Path(platformdirs.user_cache_dir("fvp-tui-tests"))
    folders = {version: release(cache / f"executorch-{version}", version) for version in releases}
    print("verdict, NPU cycles by the simulator, and the error of each link: quantized, lowered, platform")
    print(f"{'':36}" + "".join(f"{version:44}" for version in releases), flush=True)
    sound = True
    with tempfile.TemporaryDirectory() as home:
        for model in MODELS:
            for quantize in QUANTIZATIONS:
                cells = [words(ran(Path(home), folder, model, quantize)) for folder in folders.values()]
                expected = [(version, model, quantize) not in WRONG for version in folders]
                sound &= [well for _, well in cells] == expected
                print(f"{model:30}{quantize:6}" + "".join(f"{text:44}" for text, _ in cells), flush=True)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
