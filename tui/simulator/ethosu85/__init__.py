"""A functional model of the Arm Ethos-U85: computes what the NPU computes, bit for bit.

Confirmed against Arm's TOSA reference model, never against silicon: it is what the compiler holds the NPU to do.
"""
