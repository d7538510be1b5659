"""ExecuTorch programs (.pte) without torch: execution plan, constants, delegates.

A .pte is a flatbuffer (file identifier ET12, schema executorch/schema/program.fbs), optionally with an extended header
("eh00") that says where data segments begin.
"""

from tui.model.pte.plan import (
    BoxedIntList,
    Delegate,
    DelegateCall,
    Free,
    Instruction,
    JumpIfFalse,
    KernelCall,
    Move,
    Plan,
    Program,
    Tensor,
    TensorList,
)
from tui.model.pte.reader import (
    BUNDLED_IDENTIFIER,
    IDENTIFIER,
    IDENTIFIERS,
    PteError,
    Signature,
    compiled_for,
    identifier,
    layout,
    parse,
    signature,
)

__all__ = [
    "BUNDLED_IDENTIFIER",
    "IDENTIFIER",
    "IDENTIFIERS",
    "BoxedIntList",
    "Delegate",
    "DelegateCall",
    "Free",
    "Instruction",
    "JumpIfFalse",
    "KernelCall",
    "Move",
    "Plan",
    "Program",
    "PteError",
    "Signature",
    "Tensor",
    "TensorList",
    "compiled_for",
    "identifier",
    "layout",
    "parse",
    "signature",
]
