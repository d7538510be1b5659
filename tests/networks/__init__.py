"""Ordinary networks, as PyTorch users write them, through ``fvp-tui run``."""
