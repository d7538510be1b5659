"""From a model to a .pte and its analysis: the only room that needs torch and executorch.

It runs in a process of its own, which writes events to standard output and noise to standard error.

The process:
__main__         a worker by itself: ``python -m tui.compile RUN_DIRECTORY``
client           start a worker, in the compile server or by itself
lending          what it needs in another Python than this one's
server           the compile server, which has the libraries loaded and forks workers
worker           the order of the stages
compilation      events, artifacts and failures of one compilation
progress         progress of a stage
cache            artifacts and events of earlier compilations

Load and export:
frontend         both stages
models           load a model
inputs           inputs of a model
samples          inputs of a run, and those to calibrate on
exporting        torch.export
exported         modules of a caller's own process, as a .pt2
mutation         buffers that a model changes
spread           many samples over several processes
carried          state from one inference to the next

ExecuTorch:
executorch_api   what of it is private, or differs between its releases

Quantize, lower, vela and emit:
backend          these stages
quantization     pt2e quantization
lowering         partitions, TOSA, Vela, the .pte
cortex_m         the same for the CPU alone
references       what a run's outputs are compared with
vela_report      Vela's figures of a partition
tensor_names     names of converters made readable

What reports say:
graph/           nodes of a graph, and their origin in the model
diagnostics/     why an operator is on the CPU or a stage failed, and what to do about it
links/           whether the program still is the model, and since which operator it is not

Programs of their own:
profile          read an ETDump
vela_runs        Vela alone on lowered graphs, for estimates
network          a .tflite or .tosa, which Vela compiles by itself
network_inputs   inputs of such a network
network_refs     what its outputs are compared with
"""
