"""``fvp-tui read``: a log is an ordinary run for every command, with its program it has operators and a check."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import TUI, Fvp, Ran, environment, taken_over
from tests.platform import dialects
from tui.errors import Exit


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, log in (("a.log", dialects.LIBRARY), ("b.txt", dialects.EXCERPT), ("c.out", dialects.ZEPHYR)):
        (folder / name).write_bytes(log.within("2026-09-16T10:11:12.1234567Z {}"))
    (folder / "notes.md").write_text("no log\n")
    return folder


def test_a_log_is_a_run_for_every_command(logs: Path, fvp_tui: Fvp, home: Path) -> None:
    done = fvp_tui("read", str(logs / "a.log"), "--json")
    assert done.returncode == Exit.OK, done.stderr
    state = json.loads(done.stdout)
    assert (state["platform"]["kind"], state["platform"]["origin"]) == ("log", "fvp")
    assert (state["run"]["status"], state["inferences"][0]["npu_cycles"]) == ("ok", 7001)
    # Nobody told the NPU and its clock: there is no time, and no target.
    assert (state["spec"]["target"]["accelerator"], state["spread"]["npu_cycles"]["median"]) == ("unknown", 7001)
    assert [stage["name"] for stage in state["stages"] if stage["status"] == "ok"] == ["boot", "infer"]
    run = state["run"]["id"]
    assert (home / "runs" / run / "console.log").read_bytes() == (logs / "a.log").read_bytes()

    shown = fvp_tui("show", run).stdout
    assert "FVP - cycles measured, read from a log" in shown
    assert "int8" not in shown and "load" not in shown
    assert "7001 (7001.00 per inference)" in fvp_tui("log", run).stdout
    assert run[-4:] in fvp_tui("history").stdout
    page = logs / "page.html"
    assert fvp_tui("export", run, "--format", "html", "-o", str(page)).returncode == Exit.OK
    assert "read from a log" in page.read_text(encoding="utf-8")
    again = json.loads(fvp_tui("read", str(logs / "a.log"), "--target", "ethos-u85-512", "--json").stdout)
    assert again["spec"]["target"]["accelerator"] == "ethos-u85-512"
    compared = json.loads(fvp_tui("compare", run, again["run"]["id"], "--json").stdout)
    cycles = next(figure for figure in compared["figures"] if figure["name"] == "inference_npu_cycles")
    assert (cycles["a"], cycles["b"]) == (7001, 7001)


def test_the_exit_status_tells_an_excerpt_from_a_failure(logs: Path, fvp_tui: Fvp) -> None:
    excerpt = fvp_tui("read", str(logs / "b.txt"))
    assert excerpt.returncode == Exit.UNKNOWN
    assert "NOT KNOWN" in excerpt.stdout
    assert "4,738 cycles" in excerpt.stdout
    failed = fvp_tui("read", str(logs / "c.out"))
    assert failed.returncode == Exit.FAILED
    assert "MPU fault" in failed.stdout
    assert fvp_tui("read", str(logs / "a.log"), "--max-npu-cycles", "7000").returncode == Exit.LIMIT


def test_a_folder_gives_a_line_a_log_and_the_status_of_the_worst(logs: Path, fvp_tui: Fvp) -> None:
    done = fvp_tui("read", str(logs))
    assert done.returncode == Exit.FAILED
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[:2] for row in rows] == [["a.log", "ok"], ["b.txt", "not"], ["c.out", "failed"]]
    found = json.loads(fvp_tui("read", str(logs), "--json").stdout)["runs"]
    assert [run["run"]["status"] for run in found] == ["ok", "unknown", "failed"]


def test_standard_input_and_pipes_are_read_to_their_end(logs: Path, home: Path) -> None:
    for words, source in ((["-"], dialects.KIT.text), ([f"/dev/fd/{0}"], dialects.KIT.text)):
        done = subprocess.run(
            [*TUI, "read", *words, "--from", "board", "--json"],
            input=source,
            env=environment(home),
            capture_output=True,
            timeout=60,
            check=False,
        )
        state = json.loads(done.stdout)
        assert (done.returncode, state["inferences"][0]["npu_cycles"]) == (Exit.OK, 600)
        assert (home / "runs" / state["run"]["id"] / "console.log").read_bytes() == source


def test_what_is_no_log_is_refused_in_a_line(logs: Path, fvp_tui: Fvp, tmp_path: Path) -> None:
    program = tmp_path / "model.pte"
    program.write_bytes(b"\0\0\0\0ET12" + bytes(64))
    (tmp_path / "empty.log").touch()
    (tmp_path / "none").mkdir()
    for words, said in (
        ([str(tmp_path / "absent.log")], "no log"),
        ([str(program)], "is a program, no log"),
        ([str(tmp_path / "none")], "no log in"),
        ([str(logs / "a.log"), "--model", str(logs / "b.txt")], "is no program"),
        ([str(logs / "a.log"), "--model", str(tmp_path / "x.pte")], "no program"),
        ([str(logs / "a.log"), "--target", "ethos-u85-7"], "unknown target"),
        (["-"], "nothing came in"),
    ):
        done = fvp_tui("read", *words)
        assert (done.returncode, done.stdout) == (Exit.USAGE, ""), done.stderr
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
    empty = fvp_tui("read", str(tmp_path / "empty.log"))
    assert empty.returncode == Exit.USAGE
    assert "is empty" in empty.stdout
    locked = logs / "a.log"
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        assert "cannot read" in fvp_tui("read", str(locked)).stderr


def console(values: np.ndarray) -> bytes:
    """A console that prints these outputs."""
    before, after = dialects.LIBRARY.lines[:-4], dialects.LIBRARY.lines[-2:]
    outputs = [f"Output[0][{at}]: (float) {value:.6f}" for at, value in enumerate(values)]
    return "".join(f"{line}\r\n" for line in (*before, *outputs, *after)).encode()


def test_with_its_program_a_log_has_operators_memory_and_the_check_of_the_run_that_compiled_it(
    ran: Callable[..., Ran], fvp_tui: Fvp, home: Path, tmp_path: Path
) -> None:
    compiled = ran("sample:digits")
    program = tmp_path / "digits.pte"
    program.write_bytes((compiled.artifacts / "model.pte").read_bytes())
    with np.load(compiled.artifacts / "outputs.npz") as outputs:
        values = np.frombuffer(outputs["0_0"].tobytes(), np.float32)
    log = tmp_path / "board.log"
    log.write_bytes(console(values))

    # Nobody compiled it here: operators by the program's own commands, nothing to compare with.
    alone = json.loads(fvp_tui("read", str(log), "--model", str(program), "--json").stdout)
    assert alone["spec"]["target"]["accelerator"] == "ethos-u85-256"
    assert alone["operators"] and alone["pools"]
    assert (alone["check"]["status"], "no reference" in alone["check"]["reason"]) == ("skipped", True)
    assert not any("inputs are" in note for note in alone["notes"])

    taken_over(compiled, home)
    done = fvp_tui("read", str(log), "--model", str(program), "--require-match", "--json")
    known = json.loads(done.stdout)
    assert done.returncode == Exit.OK, done.stderr
    assert known["check"]["status"] == "match"
    assert known["tensors"] == compiled.state["tensors"]
    assert [one["name"] for one in known["operators"]] == [one["name"] for one in compiled.state["operators"]]
    assert not any(one["traced_cycles"] for one in known["operators"])
    # Of other inputs there is no telling.
    log.write_bytes(console(values + 1))
    other = json.loads(fvp_tui("read", str(log), "--model", str(program), "--json").stdout)
    assert (other["run"]["status"], other["check"]["status"]) == ("ok", "skipped")
    assert "what inputs it had" in other["check"]["reason"]
