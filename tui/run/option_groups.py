"""Groups of options in help and on the Setup screen, and groups of commands that share an option."""

COMPILING = ("run", "compile")
LOWERING = ("run", "compile", "sweep")
ALL = (*LOWERING, "campaign")

TARGET, PROGRAM, PLATFORM, BOARD, INFERENCE, LIMITS, OUTPUT = GROUPS = (
    "Target",
    "Program",
    "Platform",
    "Board (--platform serial)",
    "Inference",
    "Limits (exit status 3)",
    "Output",
)
