"""Names of tensors as converters make them, short enough to be read.

LiteRT's converter for PyTorch joins the names of fused operators with semicolons, and each is a path whose parts are a
class and the name of its attribute: ``torch.nn.modules.container.Sequential_features``. The attributes are the path of
the nn.Module. TensorFlow's names are paths of scopes.
"""

import re

_ATTRIBUTE = re.compile(r"(?:\w+\.)+[A-Z]\w*?_(.+)")
_CLASS = re.compile(r"(?:\w+\.)+[A-Z]\w*")
WRAPPED = "wrapped"
"""Attribute in which the converter's own wrapper keeps the model."""

SCOPES = 3
"""Parts of a path of scopes that are kept, from its end."""


def module(name: str) -> str | None:
    """The path of the nn.Module in a name of LiteRT's converter; None in any other name."""
    parts = [part for part in name.split(";") if "/" in part and not part.isdecimal()]
    # The operator that the others are fused into comes last.
    scopes = parts[-1].split("/") if parts else []
    if not scopes or not all(_CLASS.fullmatch(scope) for scope in scopes):
        return None
    path = [match[1] for scope in scopes if (match := _ATTRIBUTE.fullmatch(scope))]
    return ".".join(path[1:] if path[:1] == [WRAPPED] else path) or None


def short(name: str) -> str:
    """A name that can be read: the path of the nn.Module, or the end of the first of the names that are joined."""
    found = module(name)
    if found is not None:
        return found
    first = name.split(";", 1)[0] or name
    return "/".join(first.split("/")[-SCOPES:])
