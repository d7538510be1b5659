"""From a model to a .pte and its analysis. The only part that needs torch and executorch; it runs in a process of its
own (``python -m tui.compile RUN_DIRECTORY``), which writes events to its standard output and noise to standard error.
"""
