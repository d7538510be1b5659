"""Links of the check: float model -> quantized model -> lowered program, each judged, and a broken one explained.

chain             judge the links, and trace a broken one to its operator and cause
judging           limits of the links
layers            float and quantized model, layer by layer
preparation       outputs that preparing for quantization changed
rounding          errors that rounding explains
tosa_reference    the lowered program on Arm's TOSA reference model
first_change      the operator at which lowering changes a result
known_faults      known faults of the compiler
state_links       links of models with state
"""
