"""The program itself in a terminal: what leaves for it, and how it is left behind."""

import base64
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app import fakes
from tests.app.pseudo_terminal import REPOSITORY, Terminal, restored
from tests.app.test_hostile import CONTROLS, TEXTS, hostile_events
from tui.run import events

# What Textual itself sends: CSI sequences with known ends, and the shape of the mouse pointer.
KNOWN = re.compile(rb"\x1b\[[0-?]*[ -/]*[mHhlurKpABCDJt]|\x1b\]22;[a-z]+\x07")


def test_no_control_of_foreign_text_reaches_the_terminal(terminal: Callable[..., Terminal]) -> None:
    name = "20261123-121531-hostile-u85-256-0bad"
    what = [event for text in TEXTS if len(text) < 10_000 for event in hostile_events(name, text)]
    tui = terminal("attach", fakes.make(name, fakes.spec_of(), what))
    tui.wait(lambda: "FAILED" in tui.text)
    for key, word in (
        ("2", "▌2 Network"),
        ("3", "▌3 Check"),
        ("4", "▌4 Memory"),
        ("5", "▌5 Log"),
        ("h", "History"),
    ):
        tui.child.send(key)
        tui.wait(lambda word=word: word in tui.text)
    tui.child.send("\x11")
    assert tui.end() == 0
    assert controls(tui.raw) == []
    assert tui.title == ""


def test_the_ribbon_sends_foreign_text_as_text(terminal: Callable[..., Terminal]) -> None:
    name = "20261123-121531-hostile-u85-256-0bad"
    what = [event for text in TEXTS if len(text) < 10_000 for event in hostile_events(name, text)]
    tui = terminal("attach", fakes.make(name, fakes.spec_of(), what), rows=40, columns=120)
    tui.wait(lambda: "FAILED" in tui.text)
    tui.child.send("2z")
    tui.wait(lambda: "CPU, time not known" in tui.text)
    tui.child.send("\x11")
    assert tui.end() == 0
    assert controls(tui.raw) == []


def test_the_ribbon_can_be_read_without_colour_and_without_unicode(terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole(), rows=40, columns=120, NO_COLOR="1", LC_ALL="C")
    tui.wait(lambda: "4,321" in tui.text)
    tui.child.send("2z")
    tui.wait(lambda: "# NPU" in tui.text and "stays on the CPU" in tui.text)
    names, kinds, cycles, shares, _, brackets = next(
        lines[at : at + 6]
        for lines in [tui.text.splitlines()]
        for at, line in enumerate(lines)
        if "|features.0" in line and "|features.2" in line
    )
    # The cursor is on the first part: reversed, and pointed at.
    assert "q   |features.0" in names and "12%  " in shares and "5%  |::" in shares
    assert "|::::|Conv2D  " in kinds and "|1,980 " in cycles
    assert "^  +--" in brackets and " P0 4,321 " in brackets
    tui.child.send("\x11")
    assert tui.end() == 0


def controls(raw: bytes) -> list[bytes]:
    """What a terminal would take for more than text, and what stands around it, but for what Textual sends itself."""
    left = KNOWN.sub(b"", raw).replace(b"\r\n", b"")
    found = re.findall(rb".{0,20}[\x00-\x1f\x7f].{0,20}", left, re.DOTALL)
    text = left.decode("utf-8")
    return found + [
        found.encode() for found in re.findall(".{0,9}[\x80-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069].{0,9}", text)
    ]


def hostile_lines(count: int) -> list[str]:
    """Lines made of parts that each mean something to a terminal, in an order that is the same every time."""
    parts = [
        *CONTROLS,
        *("\x1b[", "\x1b]52;c;", "\x1b]0;", "\x1b\\", "2J", "?1049l", "\x07", "\x1bP", "\x1bc", "\x9d0;", "\r", "\t"),
        *("漢字", "e\u0301\u0301", "👩\u200d👩", "\u202e", "\u2066", "\u2028", "\ufeff", "\u200f"),
        *("[/b]", "[@click=quit]", "needle "),
    ]  # fmt: skip
    chance = random.Random(320)
    return ["".join(chance.choices(parts, k=chance.randrange(40))) for _ in range(count)]


def test_a_hostile_log_is_only_text_however_it_is_shown(terminal: Callable[..., Terminal]) -> None:
    """Cut, wrapped, scrolled aside, searched, filtered, selected: always the very bytes that leave for the terminal."""
    name = "20261123-131531-hostile-u85-256-0bad"
    lines = [*hostile_lines(120), *(text for text in TEXTS if "\ud800" not in text)]
    what = [*fakes.begun(name, fakes.spec_of()), *fakes.log(lines, source=fakes.HOSTILE), *fakes.finished()]
    tui = terminal("attach", fakes.make(name, fakes.spec_of(), what))
    tui.wait(lambda: "OK" in tui.text)
    tui.child.send("5")
    tui.wait(lambda: re.search(rf"5 Log .* {len(lines)} lines", tui.text) is not None)
    tui.child.send("g")
    tui.wait(lambda: "at 1-" in tui.text)

    def place() -> str:
        shown = re.search(r"at [\d,]+-[\d,]+", tui.text)
        return shown[0] if shown else "at the end"

    while place() != "at the end":  # cut and moved aside, page by page
        before = place()
        tui.child.send("\x1b[6~\x1b[C")
        tui.wait(lambda before=before: place() != before)
    tui.child.send("w")
    for _ in range(40):  # wrapped, page by page
        tui.child.send("\x15")
        tui.read()
    tui.child.send("g/needle\r")
    tui.wait(lambda: "match in line" in tui.text)
    tui.child.send("vjj")
    tui.wait(lambda: "3 selected" in tui.text)
    sent = len(tui.raw)
    tui.child.send("c")
    tui.wait(lambda: "3 lines copied" in tui.text)
    copied = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", tui.raw[sent:])
    assert copied and not set(base64.b64decode(copied[1]).decode()) & set(CONTROLS) - {"\n"}
    tui.child.send("&needle\r")
    tui.wait(lambda: "lines with needle" in tui.text)
    tui.child.send("\x11")
    assert tui.end() == 0
    assert controls(tui.raw.replace(copied[0], b"")) == []
    assert tui.title == ""


def test_a_log_is_searched_and_filtered(terminal: Callable[..., Terminal]) -> None:
    name = "20261123-141531-digits-u85-256-0bad"
    texts = [f"Output[0][{n}]: (float) {n / 8:.6f}" for n in range(2_000)]
    what = [*fakes.begun(name, fakes.spec_of()), *fakes.log(texts), *fakes.log(["E: no such thing"], "error")]
    what += [*fakes.log(texts), *fakes.finished()]
    tui = terminal("attach", fakes.make(name, fakes.spec_of(), what))
    tui.wait(lambda: "OK" in tui.text)
    tui.child.send("5")
    tui.wait(lambda: "4,001 lines" in tui.text and "[1999]: (float) 249.875000" in tui.text)
    tui.child.send("/[1500]\r")
    tui.wait(lambda: "match in line 1,501, 2 in total" in tui.text and "I>uart     Output[0][1500]" in tui.text)
    tui.child.send("n")
    tui.wait(lambda: "match in line 3,502, 2 in total" in tui.text)
    tui.child.send("E")
    tui.wait(lambda: "E>uart     E: no such thing" in tui.text)
    tui.child.send("&")
    tui.wait(lambda: "filter: text" in tui.text)
    tui.child.send("\x12")
    tui.wait(lambda: "filter: regular expression" in tui.text)
    tui.child.send(r"\[19{2,}\]" + "\r")
    tui.wait(lambda: "4 of 4,001 lines with" in tui.text and "Output[0][199]" in tui.text and "[1998]" not in tui.text)
    # At another size the same lines are there.
    tui.resize(20, 60)
    tui.wait(lambda: "▌5 Log" in tui.text and "Output[0][199]" in tui.text)
    tui.child.send("&\r")
    tui.wait(lambda: "4,001 lines" in tui.text and " of 4,001" not in tui.text)
    tui.child.send("q")
    assert tui.end() == 0


def test_q_quits_at_once_and_restores_the_terminal(terminal: Callable[..., Terminal]) -> None:
    tui = terminal()
    tui.wait(lambda: "fvp-tui run sample:digits" in tui.text)
    begun = time.monotonic()
    tui.child.send("q")
    assert tui.end() == 0
    assert time.monotonic() - begun < 5
    restored(tui)


def test_letters_that_come_all_at_once_are_text_not_commands(terminal: Callable[..., Terminal]) -> None:
    """As over a slow connection: q, h and z would otherwise leave, open the history and zoom."""
    tui = terminal()
    tui.wait(lambda: "fvp-tui run sample:digits" in tui.text)
    tui.child.send("/qhqz")
    tui.wait(lambda: "no model matches" in tui.text and " qhqz" in tui.text)
    tui.child.send("\x1b")
    # An escape and a letter in one go are a key of their own (alt and the letter).
    tui.wait(lambda: "qhqz" not in tui.text)
    tui.child.send("q")
    assert tui.end() == 0


def test_a_search_that_comes_all_at_once_is_done(terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole())
    tui.wait(lambda: "✓ OK" in tui.text)
    tui.child.send("5")
    tui.wait(lambda: "▌5 Log" in tui.text)
    tui.child.send("/partition\r")
    tui.wait(lambda: "match in line 2" in tui.text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(number: signal.Signals, terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole())
    tui.wait(lambda: "✓ OK" in tui.text)
    os.kill(tui.child.pid, number)
    assert tui.end() == 128 + number
    restored(tui)
    assert b"Traceback" not in tui.raw


def test_a_terminal_that_goes_away_ends_the_program(terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole())
    tui.wait(lambda: "✓ OK" in tui.text)
    tui.child.ptyproc.fileobj.close()  # as when an SSH connection breaks
    end = threading.Thread(target=os.waitpid, args=(tui.child.pid, 0), daemon=True)
    end.start()
    end.join(10)
    assert not end.is_alive(), "an orphan is left behind"
    tui.child.ptyproc.terminated = True


def test_the_progress_of_a_stage_is_written_over(terminal: Callable[..., Terminal]) -> None:
    name, request = "20261123-061531-split-u85-256-dddd", fakes.spec_of()
    directory = fakes.make(name, request, fakes.begun(name, request))
    fakes.append(directory, [events.StageStarted(t=fakes.T0, stage="lower")])
    for done in (12, 34):
        far = events.StageProgressed(t=fakes.T0, stage="lower", what="passes", done=done, total=147)
        fakes.append(directory, [far])
    tui = terminal("attach", directory, "--json")
    tui.wait(lambda: "lower     passes 34 of 147" in tui.text)
    assert "passes 12 of 147" not in tui.text
    fakes.append(directory, [events.StageFinished(t=fakes.T0, stage="lower", status="ok", seconds=9.0)])
    fakes.append(directory, fakes.finished())
    assert tui.end() == 0
    assert b"passes 12 of 147" in tui.raw and "passes" not in tui.text


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "FVP_TUI_HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert done.returncode != 0
    assert "fvp-tui run" in done.stderr and "Traceback" not in done.stderr and "\x1b" not in done.stderr


def test_a_dumb_terminal_is_refused(terminal: Callable[..., Terminal]) -> None:
    tui = terminal(TERM="dumb")
    assert tui.end() != 0
    assert b"cannot move its cursor" in tui.raw and b"\x1b[?1049h" not in tui.raw


def test_no_color_means_none(terminal: Callable[..., Terminal]) -> None:
    tui = terminal("attach", fakes.whole(), NO_COLOR="1")
    tui.wait(lambda: "✓ OK" in tui.text)
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", tui.raw)


def test_nothing_heavy_is_imported() -> None:
    script = (
        "import sys, tui.app.screens.root; "
        "print([m for m in ('torch', 'executorch', 'numpy', 'pexpect', 'click') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_idle_sends_nothing(terminal: Callable[..., Terminal]) -> None:
    """A finished run costs no byte, whatever is on the screen."""
    tui = terminal("attach", fakes.whole())
    tui.wait(lambda: "✓ OK" in tui.text)
    quiet_since, sent = time.monotonic(), len(tui.raw)
    limit = quiet_since + 20
    while time.monotonic() - quiet_since < 1.5:
        assert time.monotonic() < limit, "it never falls silent"
        tui.read()
        if len(tui.raw) != sent:
            quiet_since, sent = time.monotonic(), len(tui.raw)
