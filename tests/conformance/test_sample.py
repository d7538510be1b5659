"""ExecuTorch's own tests judge the simulator: a sample of them. ``make conformance`` runs all."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conformance import suite
from tests.conformance.suite import Case
from tui.toolchain import boards
from tui.toolchain.boards import Board

PARTS = 2
"""One for each worker: every process more pays for another import of torch."""

LEAST = 75
"""Cases that pass in each part."""

NEVER_PASS = {"test_conv3d", "test_max_pool1d"}
"""Files that ExecuTorch skips, or expects to fail, on the U85 as a whole."""


FEW = slice(5, None, 20)
"""Files of the U55's cases: it has the host's side and most kernels of the model in common with the U85."""


def passed(files: Sequence[Path], board: Board, folder: Path) -> list[Case]:
    """The cases that a sample of files has; all of them pass."""
    options = ("-p", "tests.conformance.sample")
    cases = suite.run(files, board, folder / "report.xml", suite.stand_in(folder), *options)
    # Not only failures: without the stand-in the suite expects its cases to fail, and calls that a success.
    wrong = [f"{case} {case.outcome}: {case.said}" for case in cases if case.outcome != "passed"]
    assert not wrong, "\n\n".join(wrong)
    assert {case.file for case in cases} == {file.stem for file in files} - NEVER_PASS
    return cases


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "part", [pytest.param(n, marks=pytest.mark.xdist_group(f"conformance-{n}")) for n in range(PARTS)]
)
def test_a_sample_of_every_file_passes(part: int, tmp_path: Path) -> None:
    files = suite.files(suite.suite() / suite.OPERATORS, boards.CORSTONE_320)[part::PARTS]
    assert len(passed(files, boards.CORSTONE_320, tmp_path)) >= LEAST


@pytest.mark.timeout(600)
def test_a_few_cases_of_another_board_pass(tmp_path: Path) -> None:
    files = suite.files(suite.suite() / suite.OPERATORS, boards.CORSTONE_300_U55)[FEW]
    assert len(passed(files, boards.CORSTONE_300_U55, tmp_path)) >= len(files) > 5


REPORT = """<testsuites><testsuite>
<testcase classname="ops.test_abs" name="test_abs_u85_INT[full]" time="1.8" />
<testcase classname="ops.test_acosh" name="test_acosh_u85_INT_xfail[1.0]"
  ><skipped type="pytest.xfail" message="Did not find FVP" /></testcase>
<testcase classname="ops.test_arange" name="test_arange_u85_INT"
  ><skipped type="pytest.skip" message="no int64" /></testcase>
<testcase classname="models.phi3.test_phi3_layers.TestPhi3" name="test_mlp_u85"
  ><failure message="AssertionError: worse">E   AssertionError: worse</failure></testcase>
<testcase classname="" name="models.test_conformer"
  ><error message="collection failure">E   ModuleNotFoundError: No module named 'torchaudio.models'</error></testcase>
<testcase classname="models.test_nss" name="test_nss_u85"
  ><failure message="-">E   huggingface_hub.errors.OfflineModeIsEnabled: no</failure></testcase>
</testsuite></testsuites>"""


def test_reports_are_read_case_by_case() -> None:
    cases = [suite.read(case) for case in ElementTree.fromstring(REPORT).iter("testcase")]
    assert [(case.file, case.outcome, case.lacks) for case in cases] == [
        ("test_abs", "passed", None),
        ("test_acosh", "xfailed", None),
        ("test_arange", "skipped", None),
        ("test_phi3_layers", "failed", None),
        ("test_conformer", "failed", "no module named torchaudio"),
        ("test_nss", "failed", "needs a download"),
    ]
