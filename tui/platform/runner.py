"""The program an FVP runs: what kinds of ExecuTorch runners there are, and how each gets a model and inputs.

Source: ExecuTorch's examples/arm/executor_runner (arm_executor_runner.cpp), and Arm's Ethos-U evaluation kit as its
wheel mlia-ethos-u 0.1.0 ships it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from tui.toolchain import firmware_images

Kind = Literal["semihosting", "address", "embedded", "mlek"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WORDS: dict[Kind, str] = {
    "semihosting": "reads the program and its inputs from files",
    "address": "takes a program placed in memory, its inputs are ones",
    "embedded": "has its program inside, whose inputs are ones",
    "mlek": "takes program and inputs placed in memory",
}

PTE_ADDRESS = 0x7000_0000
"""Where ExecuTorch's examples place a program that is not in the ELF: the start of the board's DDR."""

MLEK_PROGRAM, MLEK_INPUT, MLEK_OUTPUT = 0x9000_0000, 0x9200_0000, 0x9300_0000
"""Where Arm's inference runner has its program, and all bytes of inputs and outputs, one tensor after the other."""

KNOWN = {image.sha256: image.what for image in firmware_images.IMAGES}
"""Runners that were looked at, by sha256."""


@dataclass(frozen=True)
class Runner:
    """An ELF file for the board's CPU."""

    path: Path
    kind: Kind
    sha256: str
    bundles: bool
    """Whether it can run a bundled program's test cases."""
    pte_address: int
    """Where it looks for a program placed in memory."""
    program: bytes | None = field(default=None, repr=False)
    """The program inside, with whatever follows it; None where there is none."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Sizes in bytes of its memory pools, by the names it prints for them; those that it does not tell are left out."""

    @property
    def name(self) -> str:
        """What it is, in words."""
        return KNOWN.get(self.sha256) or f"{self.path.name}, which {WORDS[self.kind]}"

    @property
    def takes_inputs(self) -> bool:
        """Whether it can be given inputs; one that cannot fills them with ones."""
        return self.kind in ("semihosting", "mlek")
