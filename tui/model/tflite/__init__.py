"""TensorFlow Lite networks (.tflite), as they were made and as Vela compiled them. Needs no TensorFlow.

graph     a network: tensors, operators
reader    read the flatbuffer
options   the operators' options
compiled  what Vela made of a network, as a program
"""
