"""Links of the check: float model -> quantized model -> lowered program, each judged, and a broken one explained."""
