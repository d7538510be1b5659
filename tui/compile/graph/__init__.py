"""Nodes of a graph, and the place in the user's model that each comes from."""
