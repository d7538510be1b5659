"""Hints for exceptions of a model's own code."""

import difflib
import re
import sys

_SHAPES = re.compile(
    r"shapes cannot be multiplied|must match|size mismatch|invalid for input of size|reduction dim|expected input\["
    r"|to have \d+ channels|Sizes of tensors|broadcast|[Dd]imension out of range|\bD(?: \(\w+\))? (?:or \dD )?.*input"
    r"|size of tensor|expanded size|normalized_shape|Output size is too small|[Kk]ernel size can't be greater"
)
_TYPES = re.compile(r"scalar type|[Ss]ame dtype|not implemented for '|same type|dtype")
_ARGUMENTS = re.compile(r"\(\) (?:missing|takes|got)\b.* argument")


def hint(error: BaseException, line: str | None) -> str:
    """The hint for an exception that was raised at `line` of a model, or below none of its lines."""
    match error:
        case SyntaxError():
            return f"{sys.executable} -m py_compile {error.filename} checks the file"
        case ModuleNotFoundError():
            return f"install it in {sys.prefix}, or put it beside the model or on PYTHONPATH"
        case ImportError():
            return "correct the name, or install the version of the package that has it"
        case NotImplementedError() if "forward" in str(error):
            return "define forward() in the class of the model"
        case AttributeError():
            return _attribute(error)
        case UnboundLocalError():
            return "assign the variable on every path before it is used"
        case NameError():
            return "define or import the name, or correct it"
        case TypeError() if _ARGUMENTS.search(str(error)) and line is None:
            return "ModelInputs must be a tuple with one value for each argument of forward()"
        case TypeError() if _ARGUMENTS.search(str(error)):
            return "call the function with the arguments it takes"
    text = str(error)
    if _SHAPES.search(text):
        return "the shapes do not match: correct the sizes of the preceding layer, or ModelInputs"
    if _TYPES.search(text):
        return "the element types do not match: convert one of them, or ModelInputs"
    return "ModelUnderTest(*ModelInputs) must run in python"


def _attribute(error: AttributeError) -> str:
    """The attribute that may have been meant, else where it would have to be set."""
    owner, name = error.obj, error.name
    if name is None:
        return "correct the name, or set the attribute before it is used"
    close = difflib.get_close_matches(name, dir(owner), n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]}?"
    if isinstance(owner, type(sys)):
        return "correct the name, or install the version of the package that has it"
    return f"correct the name, or set it in __init__ of {type(owner).__name__}"
