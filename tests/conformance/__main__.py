"""``python -m tests.conformance [--npu NPU] [--fast] [NAME...]``: ExecuTorch's own cases, counted by file.

A NAME is a file's, ``test_abs``, or a folder's, ``ops`` or ``models``; without one, all are run. Tests of models whose
packages or weights are not here are listed as not run, with what they lack: they say nothing of fvp-sim.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.conformance.suite import FOLDERS, IN_HASTE, OPERATORS, Case, files, run, stand_in, suite
from tui.toolchain import boards
from tui.toolchain.boards import Board

OUTCOMES = ("passed", "failed", "xfailed", "xpassed", "skipped")
PROCESSES = 2


BOARDS = {board.npu.accelerator: board for board in boards.BOARDS}


def wanted(folder: str, board: Board, names: Sequence[str]) -> list[Path]:
    """The files of a folder of the suite that the command line asks for."""
    found = files(suite() / folder, board)
    return [file for file in found if not names or folder in names or file.stem in names]


def row(name: str, counts: Counter[str]) -> str:
    """A line of the table."""
    return f"{name:44}" + "".join(f"{counts[outcome]:9}" for outcome in OUTCOMES)


def table(folder: str, jobs: dict[Path, Future[list[Case]]]) -> list[Case]:
    """Print the counts of a folder's files as the files finish; all cases that were run."""
    print(f"{folder:44}" + "".join(f"{name:>9}" for name in OUTCOMES))
    all_run: list[Case] = []
    for file, job in jobs.items():
        cases = job.result()
        lacks = {case.lacks for case in cases} if folder != OPERATORS else set()
        if lack := next(filter(None, lacks), None):
            print(f"{file.stem:44} not run: {lack}", flush=True)
            cases = [case for case in cases if case.lacks is None]
            if not cases:
                continue
        print(row(file.stem, Counter(case.outcome for case in cases)), flush=True)
        all_run += cases
    print(row(f"all {folder}", Counter(case.outcome for case in all_run)), end="\n\n", flush=True)
    return all_run


def main(arguments: Sequence[str]) -> int:
    """Print the tables and what failed; failures, and runs without a pass, decide the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--npu", choices=BOARDS, default=boards.DEFAULT.npu.accelerator)
    parser.add_argument("--fast", action="store_true", help="lower without what has no influence on the programs")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    board, names = BOARDS[options.npu], [name.removesuffix(".py") for name in options.names]
    folders = {folder: paths for folder in FOLDERS if (paths := wanted(folder, board, names))}
    unknown = set(names) - set(folders) - {path.stem for paths in folders.values() for path in paths}
    if unknown:
        print(f"no such files, or no cases for {board.npu.name} in them: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(PROCESSES) as pool:
        place = Path(temporary)
        environment, haste = stand_in(place), IN_HASTE if options.fast else ()
        jobs = {
            folder: {
                path: pool.submit(run, [path], [board], place / f"{folder}-{n}.xml", environment, *haste)
                for n, path in enumerate(paths)
            }
            for folder, paths in folders.items()
        }
        cases = [case for folder in jobs for case in table(folder, jobs[folder])]
    for case in (case for case in cases if case.outcome == "xpassed"):
        print(f"XPASSED {case}: {case.said.splitlines()[0]}")
    failed = [case for case in cases if case.outcome == "failed"]
    for case in failed:
        print(f"FAILED {case}\n{case.said}\n")
    return 1 if failed or not any(case.outcome == "passed" for case in cases) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
