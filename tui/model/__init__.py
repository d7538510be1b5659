"""What can be compiled or run: catalogue, programs, bundles, tensors, data sets. Needs no torch."""
