"""Diagnostics: why an operator is on the CPU or a stage failed, at which line of the model, and what to do about it."""
