"""Arm's prebuilt firmware images for ExecuTorch, from its wheel mlia-ethos-u 0.1.0, recognised by their content."""

import msgspec


class Image(msgspec.Struct, frozen=True):
    """A firmware image that was examined: its name in the store, the sha256 of its content, what it is, its board."""

    name: str
    sha256: str
    what: str
    board: str


CORSTONE_320 = Image(
    "corstone-320-ethos-u85",
    "081640840d4e38448e708f8495e88f30f42fd86714bc0fb4ea8306184f56598f",
    "Arm's ExecuTorch inference runner 26.03.0 for Corstone-320 with Ethos-U85",
    "Corstone-320",
)
CORSTONE_300 = Image(
    "corstone-300-ethos-u55",
    "59dd86b81d47a076fbd6ef0c970e8a5b6d3bc82608da32dfd38ac00de4877f5c",
    "Arm's ExecuTorch inference runner 26.03.0 for Corstone-300 with Ethos-U55",
    "Corstone-300 with Ethos-U55",
)
IMAGES = (CORSTONE_320, CORSTONE_300)
"""The first is for the FVP; the second is for an emulated Cortex-M."""

PROGRAM, INPUTS, OUTPUTS = 0x9000_0000, 0x9200_0000, 0x9300_0000
"""Addresses of the program, and of all bytes of inputs and of outputs, in every image."""
TEMPORARY_BYTES = 32 << 20
"""Size of their temporary allocator, which has no symbol: it begins at 0x94000000."""
