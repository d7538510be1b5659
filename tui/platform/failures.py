"""Failures that a console tells of: their meaning, and what to do about them."""

from dataclasses import dataclass

from tui.platform.failure_table import KEYS, TABLE, Kind
from tui.platform.lines import any_in


@dataclass(frozen=True)
class Finding:
    """A message that fits a row of the table. `line` is the message itself."""

    kind: Kind
    reason: str
    hint: str
    line: str


STATUS = {
    0x01: "Internal",
    0x02: "InvalidState",
    0x03: "EndOfMethod",
    0x10: "NotSupported",
    0x11: "NotImplemented",
    0x12: "InvalidArgument",
    0x13: "InvalidType",
    0x14: "OperatorMissing",
    0x20: "NotFound",
    0x21: "MemoryAllocationFailed",
    0x22: "AccessFailed",
    0x23: "InvalidProgram",
    0x24: "InvalidExternalData",
    0x25: "OutOfResources",
    0x30: "DelegateInvalidCompatibility",
    0x31: "DelegateMemoryAllocationFailed",
    0x32: "DelegateInvalidHandle",
}
"""ExecuTorch's error codes (runtime/core/error.h)."""


def find(text: str) -> Finding | None:
    """The meaning of a message, by the first row of the table that it fits; None where there is none."""
    if not any_in(KEYS, text):
        return None
    for row in TABLE:
        if match := row.pattern.search(text):
            groups = {name: value or "" for name, value in match.groupdict().items()}
            if "status" in groups:
                code = int(groups["status"], 16)
                groups["status"] = f"{STATUS.get(code, 'error')} ({code:#04x})"
            return Finding(row.kind, row.reason.format(**groups), row.hint.format(**groups), text)
    return None
