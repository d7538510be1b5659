"""A model of the Arm Ethos-U55 and Ethos-U65: computes what the NPU computes, bit for bit, and estimates its cycles.

Both have one command set; the U65 has wider addresses and, with 512 MACs, a second core. Facts are from the public
sources of Vela's regor (architecture/ethosu55, architecture/ethosu65, ethos_u65_interface.hpp) and of its Python
package (ethosu/vela/ethos_u55_regs). Confirmed against Arm's TOSA reference model, never against silicon: it is what
the compiler holds the NPU to do.

registers    the family's own commands, registers and configurations
npu          execution of operations
precision    the PRECISION registers
scales       scaling of operands and of the OFM
inputs       reading the inputs, doubled where IFM_UPSCALE asks for it
conv         CONV and DEPTHWISE
weights      order of the weight streams, scale records
pool         POOL
elementwise  ELEMENTWISE
output       the output stage and tables in SHRAM
dma          DMA_START
cycles       the cycle model
passes       the passes of a stream, for the cycle model
traffic      bytes that a pass moves
transposes   transposes that are made of many commands
matmul       matrix multiplications
"""
