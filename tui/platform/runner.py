"""Runners, the ELF files that a platform runs: their kinds, by the way each gets a model and inputs.

Source: ExecuTorch's examples/arm/executor_runner (arm_executor_runner.cpp), and Arm's Ethos-U evaluation kit as its
wheel mlia-ethos-u 0.1.0 ships it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from tui.toolchain import firmware_images
from tui.toolchain.firmware_images import Image

Kind = Literal["semihosting", "address", "embedded", "mlek"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WORDS: dict[Kind, str] = {
    "semihosting": "reads the program and its inputs from files",
    "address": "runs a program placed in memory, on inputs of ones",
    "embedded": "has its program built in, and runs it on inputs of ones",
    "mlek": "takes program and inputs placed in memory",
}

KNOWN = {image.sha256: image for image in firmware_images.IMAGES}
"""Prebuilt runners that were examined, by sha256."""


@dataclass(frozen=True)
class Runner:
    """An ELF file for the board's CPU."""

    path: Path
    kind: Kind
    sha256: str
    bundles: bool
    """True if it can run a bundled program's test cases."""
    pte_address: int
    """Address it looks for a program at."""
    program: bytes | None = field(default=None, repr=False)
    """The program inside, with whatever follows it; None where there is none."""
    npus: tuple[str, ...] = ()
    """Names of the families of NPUs that it can be for; empty where it does not tell."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Sizes in bytes of its memory pools, by the names it prints for them; those that it does not tell are left out."""

    @property
    def image(self) -> Image | None:
        """The prebuilt firmware image that it is; None where it is none."""
        return KNOWN.get(self.sha256)

    @property
    def name(self) -> str:
        """Description of it in words."""
        return self.image.what if self.image is not None else f"{self.path.name}, which {WORDS[self.kind]}"

    @property
    def takes_inputs(self) -> bool:
        """True if it can be given inputs; one that cannot fills them with ones."""
        return self.kind in ("semihosting", "mlek")
