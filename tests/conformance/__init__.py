"""ExecuTorch's own Ethos-U tests, with ``fvp-sim`` in the place of the FVP."""
