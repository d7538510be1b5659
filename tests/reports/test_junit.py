"""JUnit of a run: a case for each stage, link and limit; failures are figures and results, errors what broke."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from tests.app import fakes
from tests.conftest import Fvp
from tui.reports import export, junit
from tui.run import events, store
from tui.run.check import LimitResult
from tui.run.state import State

Element = ElementTree.Element


def xml_of(directory: Path) -> Element:
    return ElementTree.fromstring(export.document(directory, "junit"))


def counted(root: Element) -> Element:
    """A report whose counts are right, in each suite and as a whole."""
    for at in (root, *root.findall("testsuite")):
        for kind, name in (("testcase", "tests"), ("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(at.get(name, "")) == len(at.findall(f".//{kind}"))
    return root


def names(root: Element, suite: str) -> list[str]:
    return [case.get("name", "") for case in root.findall(f"testsuite[@name='{suite}']/testcase")]


def test_a_good_run_has_no_problem(home: Path) -> None:
    root = counted(xml_of(fakes.whole()))
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("0", "0", "0")
    assert names(root, "stages")[:3] == ["load", "export", "quantize"] and len(names(root, "stages")) == 9
    assert names(root, "check") == ["outputs are the model's"]
    (lower,) = root.findall(".//testcase[@name='lower']")
    assert lower.get("time") == "6.2" and "sample:digits" in lower.get("classname", "")
    assert "SIMULATOR - cycles estimated" in root.get("name", "")


def test_a_broken_link_is_a_failure_with_its_place(home: Path) -> None:
    root = counted(xml_of(fakes.mismatching()))
    assert names(root, "check") == ["float -> quantized", "quantized -> lowered", "lowered -> platform",
                                    "outputs are the model's"]  # fmt: skip
    (said,) = root.findall('.//testcase[@name="outputs are the model\'s"]/failure')
    assert "LOWERING CHANGED THE RESULT" in said.get("message", "") and root.get("errors") == "0"


def test_limits_are_cases_and_one_that_is_exceeded_is_no_error(home: Path) -> None:
    limits = (
        LimitResult(name="npu_cycles", limit=900, value=964, ok=False),
        LimitResult(name="sram_kib", limit=9, value=6.5, ok=True),
    )
    state = store.load(fakes.whole())
    run = msgspec.structs.replace(state.run, status="failed", reason="limits not met: npu_cycles", exit_status=3)
    root = counted(ElementTree.fromstring(junit.of_run(msgspec.structs.replace(state, limits=limits, run=run))))
    assert names(root, "limits") == ["limit npu_cycles", "limit sram_kib"]
    (said,) = root.findall(".//failure")
    assert said.get("message") == "npu_cycles is 964, the limit is 900" and root.get("errors") == "0"


@pytest.mark.parametrize("make", [fakes.failed, fakes.gone])
def test_a_run_that_broke_is_an_error_and_what_it_did_not_reach_is_skipped(
    make: Callable[[], Path], home: Path
) -> None:
    root = counted(xml_of(make()))
    assert int(root.get("errors", "")) >= 1 and root.find(".//testcase[@name='the run ends well']/error") is not None
    assert root.find(".//testcase[@name='infer']/skipped") is not None


def test_a_platform_that_fails_is_an_error(home: Path) -> None:
    said = events.PlatformExited(verdict="fail", reason="the program ended with exit status 9", exit_status=9)
    state = msgspec.structs.replace(store.load(fakes.whole()), verdict=said)
    root = counted(ElementTree.fromstring(junit.of_run(state)))
    (error,) = root.findall(".//error")
    assert error.get("message") == said.reason


def test_text_from_outside_is_no_markup_and_an_empty_run_is_a_report(home: Path) -> None:
    state = store.load(fakes.whole(request=fakes.spec_of(f"<b>&{fakes.HOSTILE}.py")))
    counted(ElementTree.fromstring(junit.of_run(state)))
    assert "\x1b" not in junit.of_run(state)
    counted(ElementTree.fromstring(junit.of_run(State())))


def test_the_command_writes_a_file(fvp_tui: Fvp, tmp_path: Path) -> None:
    fakes.whole()
    done = fvp_tui("export", "last", "--format", "junit", "-o", str(tmp_path / "junit.xml"))
    assert done.returncode == 0 and counted(ElementTree.parse(tmp_path / "junit.xml").getroot()) is not None
