"""A bundled program's test cases as its runner compares them: error statistics, and the verdict.

Source: ExecuTorch's examples/arm/executor_runner (arm_executor_runner.cpp, verify_result), built with BundleIO.
"""

import re

import msgspec

from tui.run.check import BundleTest
from tui.run.events import BundleTested, Event

_HEAD = re.compile(r"=== Error stats for testset (\d{1,6}) ===\s*$")
_ERROR = re.compile(r"\s*(mean|max)_(absolute|relative)_error:\s+(\d{1,40}\.\d{6}|inf|nan)\s*$")
_RESULT = re.compile(r"TEST: BundleIO index\[(\d{1,6})\] Test_result: (PASS|FAIL)\s*$")
_SHORT = {"absolute": "abs", "relative": "relative"}

KEYS = ("_error:", "Error stats", "BundleIO index")
"""Words of which one is in all that the expressions match."""


class BundleIo:
    """The test case that is being reported. A fraction has six decimals: one with fewer is torn and left out."""

    def __init__(self) -> None:
        self._test: BundleTest | None = None

    def read(self, text: str) -> list[Event]:
        """Events of a message; a case is told with each of its lines, so that a torn one takes nothing with it."""
        if match := _HEAD.search(text):
            self._test = BundleTest(index=int(match[1]))
        elif match := _RESULT.search(text):
            number = int(match[1])
            known = self._test if self._test is not None and self._test.index == number else BundleTest(index=number)
            self._test = msgspec.structs.replace(known, passed=match[2] == "PASS")
        elif (match := _ERROR.match(text)) and self._test is not None:
            value = float(match[3])
            name = f"{match[1]}_{_SHORT[match[2]]}_error"
            self._test = msgspec.structs.replace(self._test, **{name: value if value < float("inf") else None})
        else:
            return []
        return [BundleTested(test=self._test)]
