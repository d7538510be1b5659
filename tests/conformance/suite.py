"""ExecuTorch's own Ethos-U tests, as the installed wheel brings them, with ``fvp-sim`` in the place of the FVPs.

Each case compiles a model, runs it on the FVP of its board through semihosting and compares outputs. Where the FVP or
its runner is missing the suite turns its cases into expected failures without a word: passes are counted, never the
exit status.
"""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tui.toolchain import boards
from tui.toolchain.boards import Board

REPOSITORY = Path(__file__).parents[2]
OPERATORS = "ops"
FOLDERS = (OPERATORS, "models", "misc", "passes")
"""Test modules with cases that run on the FVP."""
CASE_TIMEOUT_S = 600
IN_HASTE = ("-p", "tests.conformance.haste")
"""Options of a run that lowers in haste."""

UNEXPECTED_PASS = "[XPASS(strict)] "
"""Beginning of pytest's message for a case that should have failed, say for want of a CPU kernel in the suite's runner.

Not a failure of fvp-sim, and no proof either: why the suite expects a failure on the FVP is for a reader to judge.
"""

MISSING_MODULE = re.compile(r"No module named '(\w+)")
NO_NETWORK = re.compile(
    r"^E\s+[\w.]*(?:URLError|HTTPError|ConnectionError|ConnectError|OfflineModeIsEnabled|LocalEntryNotFoundError)\b",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Case:
    """A case of the suite and what became of it."""

    file: str
    name: str
    outcome: str
    """"passed", "failed", "xfailed", "xpassed" or "skipped"."""
    said: str = ""
    """Pytest's message for a case that did not pass."""

    def __str__(self) -> str:
        return f"{self.file}::{self.name}"

    @property
    def lacks(self) -> str | None:
        """A missing requirement of the case: a module of some package, or the network."""
        if missing := MISSING_MODULE.search(self.said):
            return f"no module named {missing[1]}"
        return "needs a download" if NO_NETWORK.search(self.said) else None


def suite() -> Path:
    """The folder of the suite in the installed wheel."""
    spec = importlib.util.find_spec("executorch")
    places = list(spec.submodule_search_locations or ()) if spec else []
    return next(Path(place) / "backends" / "arm" / "test" for place in places)


def keyword(board: Board) -> str:
    """A word in the names of all cases for a board's NPU: ``u85``."""
    return board.npu.short.lower()


def concerns(text: str, board: Board) -> bool:
    """True if a case of this name, or some case in a file of this text, is for a board's NPU."""
    return keyword(board) in text.lower()


def files(folder: Path, board: Board) -> list[Path]:
    """The files under `folder` that have cases for a board's NPU.

    The word is in the names of functions, so a look at the text saves importing the others.
    """
    return [file for file in sorted(folder.rglob("test_*.py")) if concerns(file.read_text(encoding="utf-8"), board)]


def link_simulator(programs: Path) -> None:
    """Put this checkout's fvp-sim into the folder `programs`, and links of the FVPs' names to it."""
    programs.mkdir(parents=True)
    simulator = programs / "fvp-sim"
    # As pip writes it: the name that it is called by is that of the link.
    start = f"import sys\nsys.path.insert(0, {str(REPOSITORY)!r})\nfrom tui.simulator.cli import main\nmain()\n"
    simulator.write_text(f"#!{sys.executable}\n{start}", encoding="utf-8")
    simulator.chmod(0o755)
    for board in boards.BOARDS:
        (programs / board.fvp.binary).symlink_to(simulator.name)


def stand_in(folder: Path) -> dict[str, str]:
    """The environment in which the suite finds fvp-sim under the FVPs' names, and runners to start on it."""
    programs = folder / "bin"
    link_simulator(programs)
    for board in boards.BOARDS:
        for infix in ("", "portable-ops_"):
            runner = folder / board.fvp.runner.replace("executor_runner_", f"executor_runner_{infix}", 1)
            runner.parent.mkdir(parents=True)
            runner.write_bytes(b"fvp-sim brings its own\n")
    # The options of a pytest that runs this one are not for it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {
        **kept,
        "EXECUTORCH_ROOT": str(folder),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(REPOSITORY),
    }


def read(case: ElementTree.Element) -> Case:
    """A case of a JUnit report. A file that cannot be imported is a case without a name."""
    *_, file = [part for part in f"{case.get('classname')}.{case.get('name')}".split(".") if part.startswith("test_")][
        :1
    ]
    name = case.get("name", "")
    for kind in ("failure", "error"):
        if (found := case.find(kind)) is not None:
            outcome = "xpassed" if found.get("message", "").startswith(UNEXPECTED_PASS) else "failed"
            return Case(file, name, outcome, f"{found.get('message')}\n{found.text}")
    if (found := case.find("skipped")) is not None:
        outcome = "xfailed" if found.get("type") == "pytest.xfail" else "skipped"
        return Case(file, name, outcome, found.get("message", ""))
    return Case(file, name, "passed")


def run(
    paths: Sequence[Path], wanted: Sequence[Board], report: Path, environment: dict[str, str], *options: str
) -> list[Case]:
    """Run the cases for the NPUs of the boards `wanted` in the files `paths`, in one process."""
    words = " or ".join(keyword(board) for board in wanted)
    command = [
        sys.executable, "-m", "pytest", "-c", os.devnull, f"--rootdir={suite()}", "-p", "no:cacheprovider", "-q",
        "--tb=short", "--show-capture=no", f"--timeout={CASE_TIMEOUT_S}", "-k", words, f"--junitxml={report}",
        *options, *map(str, paths),
    ]  # fmt: skip
    work = report.with_suffix("")
    work.mkdir()
    done = subprocess.run(
        command,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if not report.exists():
        return [Case(path.stem, "(the whole file)", "failed", done.stdout) for path in paths]
    return [read(case) for case in ElementTree.parse(report).getroot().iter("testcase")]
