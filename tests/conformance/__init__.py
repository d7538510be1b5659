"""ExecuTorch's own Ethos-U85 tests, with ``fvp-sim`` in the place of the FVP."""
