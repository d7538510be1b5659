"""What people do, from the first key to the last, on the installed command in a terminal."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app import fakes
from tests.app.pseudo_terminal import Terminal, restored
from tests.conftest import Ran
from tui.run import store

Start = Callable[..., Terminal]


def press(tui: Terminal, keys: str, *, until: str) -> None:
    """Keys, and the words that then come on the screen: were they there before, the next keys would be too early."""
    assert until not in tui.text, f"is there before {keys!r}: {until}"
    tui.child.send(keys)
    tui.wait(lambda: until in tui.text)


def cursor(tui: Terminal) -> int:
    """Line of the screen with the cursor of History's table, -1 while there is none."""
    return next((at for at, line in enumerate(tui.text.splitlines()) if line.lstrip().startswith("▌ ✓")), -1)


def test_from_setup_to_a_result_to_history_to_comparison(ran: Callable[..., Ran], terminal: Start) -> None:
    program = str(ran("sample:digits").artifacts / "model.pte")
    tui = terminal()
    tui.wait(lambda: "fvp-tui run sample:digits" in tui.text)
    press(tui, "e", until="Model file")
    press(tui, f"{program}\r", until="▌ model.pte")
    for _ in range(2):
        tui.child.send("r")
        tui.wait(lambda: "OK" in tui.text.splitlines()[0] and "SIMULATOR" in tui.text.splitlines()[0], 90)
        press(tui, "5", until="▌5 Log")
        press(tui, "/inference\r", until="match in line")
        press(tui, "h", until="fvp-tui  History")
        press(tui, "q", until="▌5 Log")
        press(tui, "q", until="▌ model.pte")
    press(tui, "h", until="▌ ✓")
    press(tui, " ", until="1 marked")
    marked = cursor(tui)
    tui.child.send("\x1b[B")
    tui.wait(lambda: cursor(tui) > marked)
    press(tui, "c", until="fvp-tui  Compare")
    tui.wait(lambda: "total_cycles" in tui.text or "cycles" in tui.text)
    press(tui, "q", until="fvp-tui  History")
    tui.child.send("\x11")
    assert tui.end() == 0
    restored(tui)
    assert len(store.ids()) == 2


def test_a_run_that_stays_is_stopped_and_seen_from_a_second_terminal(ran: Callable[..., Ran], terminal: Start) -> None:
    program = str(ran("sample:digits").artifacts / "model.pte")
    assert terminal("run", program, "--serve", "--detach").end(60) == 0
    name = store.ids()[0]
    first, second = (terminal("attach", name) for _ in range(2))
    for tui, other in ((first, second), (second, first)):
        tui.wait(lambda tui=tui: "waiting" in tui.text.lower(), 60, [other])
        # In the middle of it the window changes, to less and to more.
        for rows, columns in ((20, 60), (50, 200), (24, 80)):
            tui.resize(rows, columns)
            tui.wait(
                lambda tui=tui: tui.text.splitlines()[0].rstrip().endswith(("SIMULATOR", "estimated")), 30, [other]
            )
    first.child.send("i")
    first.wait(lambda: "2 inferences" in first.text, 30, [second])
    second.wait(lambda: "2 inferences" in second.text, 30, [first])
    press(first, "s", until="End the session")
    first.child.send("y")
    for tui, other in ((first, second), (second, first)):
        tui.wait(lambda tui=tui: "STOPPED" in tui.text or "OK" in tui.text.splitlines()[0], 30, [other])
    for tui in (first, second):
        tui.child.send("q")
        assert tui.end() == 0


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "screen-256color"},
        {"TERM": "xterm"},
        {"TERM": "linux"},
        {"TERM": "vt100"},
        {"NO_COLOR": "1"},
        {"LANG": "C", "LC_ALL": "C"},
        {"TERM": "linux", "TEXTUAL_THEME": "terminal"},
    ],
    ids=lambda environment: " ".join(f"{name}={value}" for name, value in environment.items()),
)
def test_every_terminal_shows_the_run(environment: dict[str, str], terminal: Start) -> None:
    tui = terminal("attach", fakes.whole(), **environment)
    tui.wait(lambda: " OK " in tui.text)
    tui.wait(lambda: "features.2" in tui.text and "1,980" in tui.text)
    press(tui, "2", until="cortex_m.quantize_per_tensor")
    if environment.get("LC_ALL") == "C":
        assert all(byte < 0x80 for byte in tui.raw)
    tui.child.send("\x11")
    assert tui.end() == 0
    restored(tui)


def test_the_line_that_a_failed_run_names_is_opened(terminal: Start, tmp_path: Path) -> None:
    model, other, editor, opened = (tmp_path / name for name in ("model.py", "other.py", "editor", "opened"))
    for file in (model, other):
        file.write_text("1\n2\n3\n")
    editor.write_text(f'#!/bin/sh\necho "$@" >> {opened}\n')
    editor.chmod(0o755)
    directory = fakes.failed(line=f"{model}:2")
    fakes.append(directory, fakes.log([f'  File "{other}", line 3, in f'], "error", "compile"))
    tui = terminal("attach", directory, VISUAL=str(editor))
    tui.wait(lambda: "e Line" in tui.text and "r Run again" in tui.text)

    def opens(wanted: str) -> None:
        tui.child.send("e")
        tui.wait(lambda: opened.is_file() and opened.read_text().splitlines()[-1] == wanted)

    opens(f"+2 {model}")
    press(tui, "5", until="▌5 Log")
    opens(f"+2 {model}")
    # The line that the log points at is nearer than that of the failure.
    tui.child.send("E")
    tui.wait(lambda: "E>compile    File" in tui.text)
    opens(f"+3 {other}")
    tui.child.send("q")
    assert tui.end() == 0
