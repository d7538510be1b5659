"""fvp-tui: PyTorch models on Arm Ethos-U85, before there is silicon."""

__version__ = "0.1.0"
