"""Random graphs: the simulator against Arm's TOSA reference model, bit for bit.

``specs`` makes a graph of a seed, ``families`` knows the operators, ``lowering`` compiles it, ``comparison`` runs and
compares, ``__main__`` counts.
"""
