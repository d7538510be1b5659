"""Nodes of a graph, and the place in the user's model that each comes from.

nodes         names and neighbours of nodes
origins       module and source line of an operator on the NPU
places        an operator of the model as messages name it
provenance    nodes that a pass adds inherit their origin
"""
