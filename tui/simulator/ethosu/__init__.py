"""The parts that all Ethos-U NPUs have in common: command stream, memory, kernels, arithmetic, cycles.

errors        the one error of the NPU models
registers     commands, registers and enumerations
stream        the COP1 container, and the decoding of command words
sequencer     execution of a stream, one command after the other
memory        regions, and the memory for tables
feature_map   layout of a tensor in memory
inputs        inputs of a command
kernel        size, steps and padding of a window
convolution   sums of products
pooling       windows reduced
operators     elementwise operators
arithmetic    scaling with rounding, saturation
output_stage  from an accumulator to the OFM's element type
weights       scale records and weight streams
swd           decoding of compressed weights
passes        commands that run as one, and their shapes
memory_ports  memories as the NPU sees them
transfers     bytes that a pass moves, and their cycles
work          cycles of the NPU's own work
costs         the cost of a pass
timeline      begin and end of each pass
"""
