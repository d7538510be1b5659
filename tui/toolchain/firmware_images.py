"""Arm's prebuilt ExecuTorch firmware that is known: as its wheel mlia-ethos-u 0.1.0 ships it, told by its content."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """A firmware that was looked at: the name it is kept under, the sha256 of its content, and what it is in words."""

    name: str
    sha256: str
    what: str


CORSTONE_320 = Image(
    "corstone-320-ethos-u85",
    "081640840d4e38448e708f8495e88f30f42fd86714bc0fb4ea8306184f56598f",
    "Arm's ExecuTorch inference runner 26.03.0 for Corstone-320 with Ethos-U85",
)
CORSTONE_300 = Image(
    "corstone-300-ethos-u55",
    "59dd86b81d47a076fbd6ef0c970e8a5b6d3bc82608da32dfd38ac00de4877f5c",
    "Arm's ExecuTorch inference runner 26.03.0 for Corstone-300 with Ethos-U55",
)
IMAGES = (CORSTONE_320, CORSTONE_300)
"""The first is for the FVP; the second is for an emulated Cortex-M."""
