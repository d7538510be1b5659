"""``fvp-tui export``: any run in any format, to a file or to stdout."""

import csv
import io
import json
import stat
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from tests.app import fakes
from tests.conftest import Fvp
from tui.cli.commands.export import export as command
from tui.reports import export


def test_the_command_offers_what_there_is() -> None:
    kind = next(parameter.type for parameter in command.params if parameter.name == "form")
    assert isinstance(kind, click.Choice) and tuple(kind.choices) == export.FORMATS


def test_json_is_what_show_prints_and_csv_has_its_operators(fvp_tui: Fvp) -> None:
    fakes.whole()
    done = fvp_tui("export", "last", "--format", "json")
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert done.stdout == fvp_tui("show", "last", "--json").stdout
    rows = list(csv.DictReader(io.StringIO(fvp_tui("export", "last", "--format", "csv").stdout)))
    assert [(row["name"], row["total_cycles"]) for row in rows] == [
        (o["name"], str(o["total_cycles"])) for o in found["operators"]
    ]


def test_a_file_is_written_whole_and_named(fvp_tui: Fvp, tmp_path: Path) -> None:
    fakes.failed()
    target = tmp_path / "report.html"
    done = fvp_tui("export", "last", "--format", "html", "-o", str(target))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{target}\n")
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert list(tmp_path.glob(".*")) == []
    assert stat.S_IMODE(target.stat().st_mode) & 0o400


def test_the_picture_shows_the_run_at_the_size_asked_for(fvp_tui: Fvp) -> None:
    fakes.whole()
    wide = fvp_tui("export", "last", "--format", "svg").stdout
    text = " ".join(e.text or "" for e in ElementTree.fromstring(wide).iter()).replace("\xa0", " ")
    assert "SIMULATOR" in text and "cycles estimated" in text and "4,333" in text and "Network" in text
    assert "url(" not in wide.replace("url(#", "")
    small = fvp_tui("export", "last", "--format", "svg", "--size", "80x24").stdout
    boxes = [ElementTree.fromstring(picture).attrib["viewBox"].split() for picture in (wide, small)]
    assert float(boxes[0][2]) > float(boxes[1][2]) and float(boxes[0][3]) > float(boxes[1][3])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["last", "--format", "pdf"], "'pdf' is not one of"),
        (["nowhere", "--format", "json"], "no run 'nowhere'"),
        (["last", "--format", "json", "-o", "/nowhere/at/all.json"], "no folder /nowhere/at"),
        (["last", "--format", "json", "-o", "/"], "is a folder"),
        (["last", "--format", "svg", "--size", "80"], "expected COLUMNSxLINES"),
        (["last", "--format", "svg", "--size", "2x2"], "too small"),
        (["last", "--format", "csv", "--size", "80x24"], "--format svg"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], said: str, fvp_tui: Fvp) -> None:
    fakes.whole()
    done = fvp_tui("export", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and said in done.stderr, done.stderr
