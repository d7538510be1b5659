"""Models, programs and data: catalogue, .pte, bundles, tensors, data sets. Needs no torch."""
