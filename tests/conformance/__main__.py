"""``python -m tests.conformance [FILE...]``: ExecuTorch's own U85 cases on ``fvp-sim``, counted by file.

The cases ship in the ExecuTorch wheel; each compiles a model, runs it on ``FVP_Corstone_SSE-320`` through semihosting
and compares outputs. Here that name on PATH is a link to fvp-sim. Where the FVP or its runner is missing the suite
turns its cases into expected failures without a word, so passes are counted, never the exit status.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

FVP = "FVP_Corstone_SSE-320"
RUNNERS = ("arm_semihosting_executor_runner_corstone-320", "arm_semihosting_executor_runner_portable-ops_corstone-320")
OUTCOMES = ("passed", "failed", "xfailed", "skipped")
PROCESSES = 2
CASE_TIMEOUT_S = 300


def suite() -> Path:
    """The folder of the suite in the installed wheel."""
    spec = importlib.util.find_spec("executorch")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return next(Path(place) / "backends" / "arm" / "test" for place in places)


def stand_in(folder: Path) -> dict[str, str]:
    """The environment in which the suite finds fvp-sim under the FVP's name, and a runner to start on it."""
    programs = folder / "bin"
    programs.mkdir()
    simulator = shutil.which("fvp-sim", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if simulator is None:
        raise SystemExit("fvp-sim is not installed: make conformance sets it up")
    (programs / FVP).symlink_to(simulator)
    for name in RUNNERS:
        runner = folder / "arm_test" / name / "arm_executor_runner"
        runner.parent.mkdir(parents=True)
        runner.write_bytes(b"fvp-sim brings its own\n")
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "EXECUTORCH_ROOT": str(folder), "PATH": path, "OMP_NUM_THREADS": "1"}


def outcome(case: ElementTree.Element) -> str:
    """What became of a case of a JUnit report."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is None:
        return "passed"
    return "xfailed" if skipped.get("type") == "pytest.xfail" else "skipped"


def run(files: Sequence[Path], report: Path, environment: dict[str, str]) -> list[tuple[str, str, str]]:
    """Run the U85 cases of `files`: (file, case, outcome) of each."""
    command = [
        sys.executable, "-m", "pytest", "-c", os.devnull, "-p", "no:cacheprovider", "-q", "--tb=line",
        "--show-capture=no", f"--timeout={CASE_TIMEOUT_S}", "-k", "u85", f"--junitxml={report}", *map(str, files),
    ]  # fmt: skip
    work = report.with_suffix("")
    work.mkdir()
    subprocess.run(
        command, cwd=work, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if not report.exists():
        return [(file.stem, "(the whole file)", "failed") for file in files]
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [(files[0].stem, case.get("name", ""), outcome(case)) for case in cases]


def main(names: Sequence[str]) -> int:
    """Print the counts by file as files finish; the number of failed cases decides the exit status."""
    folder = suite()
    files = [folder / name if name.endswith(".py") else folder / "ops" / f"{name}.py" for name in names]
    files = files or sorted((folder / "ops").glob("test_*.py"))
    totals: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(PROCESSES) as pool:
        place = Path(temporary)
        environment = stand_in(place)
        jobs = [pool.submit(run, [file], place / f"{n}.xml", environment) for n, file in enumerate(files)]
        print(f"{'file':44}" + "".join(f"{name:>9}" for name in OUTCOMES))
        for file, job in zip(files, jobs, strict=True):
            found = job.result()
            counts = Counter(result for _, _, result in found)
            totals += counts
            failures += [f"{where}::{case}" for where, case, result in found if result == "failed"]
            print(f"{file.stem:44}" + "".join(f"{counts[name]:9}" for name in OUTCOMES), flush=True)
    print(f"{'all':44}" + "".join(f"{totals[name]:9}" for name in OUTCOMES))
    for failure in failures:
        print(f"FAILED {failure}")
    return 1 if failures or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
