"""fvp-tui: PyTorch models on Arm Ethos-U NPUs, before there is silicon."""

__version__ = "0.1.0"

COMPLETION = "_FVP_TUI_COMPLETE"
"""Variable that a shell sets when it asks what a command line could go on to, by way of ``fvp-tui completion``."""
