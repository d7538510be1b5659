"""ExecuTorch's own tests judge the simulator: of every other file, a case or two. ``make conformance`` runs all."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conformance import suite
from tui.toolchain import boards

NPUS = (boards.CORSTONE_300_U55, boards.CORSTONE_320)
"""A board of each family; both have their cases in the same files, and one process imports them once."""

LEAST = 35
"""Cases that pass for each NPU."""

NEVER_PASS = {"test_max_pool1d"}
"""Files that ExecuTorch skips, or expects to fail, on both NPUs as a whole."""


@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("conformance-0")
def test_a_sample_of_every_other_file_passes(tmp_path: Path) -> None:
    folder = suite.suite() / suite.OPERATORS
    paths = sorted({path for board in NPUS for path in suite.files(folder, board)})[::2]
    options = ("-p", "tests.conformance.sample", *suite.IN_HASTE)
    cases = suite.run(paths, NPUS, tmp_path / "report.xml", suite.stand_in(tmp_path), *options)
    # Not only failures: without the stand-in the suite expects its cases to fail, and calls that a success.
    wrong = [f"{case} {case.outcome}: {case.said}" for case in cases if case.outcome != "passed"]
    assert not wrong, "\n\n".join(wrong)
    assert {case.file for case in cases} == {path.stem for path in paths} - NEVER_PASS
    for board in NPUS:
        assert len([case for case in cases if suite.concerns(case.name, board)]) >= LEAST


REPORT = """<testsuites><testsuite>
<testcase classname="ops.test_abs" name="test_abs_u85_INT[full]" time="1.8" />
<testcase classname="ops.test_acosh" name="test_acosh_u85_INT_xfail[1.0]"
  ><skipped type="pytest.xfail" message="Did not find FVP" /></testcase>
<testcase classname="ops.test_arange" name="test_arange_u85_INT"
  ><skipped type="pytest.skip" message="no int64" /></testcase>
<testcase classname="ops.test_div_tensor_mode" name="test_div_tensor_mode_u55_INT[int8_floor]"
  ><failure message="[XPASS(strict)] CPU op missing in unittests">[XPASS(strict)] CPU op missing</failure></testcase>
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
        ("test_div_tensor_mode", "xpassed", None),
        ("test_phi3_layers", "failed", None),
        ("test_conformer", "failed", "no module named torchaudio"),
        ("test_nss", "failed", "needs a download"),
    ]
