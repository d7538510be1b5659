"""Models and inputs that a caller has in its own process, as files that the processes of a run can read.

They lie in ``given`` of the data folder, in a folder named by their content: the same module on the same inputs is the
same model to every run, and a run can be repeated.
"""

import hashlib
import io
import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from tui import config, files
from tui.errors import UsageError, UserError

FOLDER = "given"


def model_of(model: Any, inputs: Any, *, channels_last: bool) -> tuple[str, tuple[str, ...]]:
    """Return a model as a spec names it, and its inputs as files.

    A name or path is taken as it is. A module is exported on its inputs, which the program then carries.

    Raises:
        UsageError: it is neither, or the inputs do not fit.
        UserError: the module cannot be exported, or the data folder cannot be written.
    """
    if isinstance(model, str | os.PathLike):
        return os.fspath(model), _files_of(inputs)
    # Whoever has a module has imported torch; nobody else shall.
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module | torch.export.ExportedProgram):
        what = f"{type(model).__name__} is no type of a model"
        raise UsageError(what, "expected a name or path, a torch.nn.Module or an ExportedProgram")
    from tui.compile import exported

    content = exported.to_bytes(model, inputs, channels_last=channels_last)
    exports = isinstance(model, torch.nn.Module)
    (path,) = _kept({f"{re.sub(r'[^0-9A-Za-z]+', '_', type(model).__name__)}.pt2": content})
    return path, () if exports or inputs is None else _files_of(inputs)


def _files_of(inputs: Any) -> tuple[str, ...]:
    """Input files: those named, and those made of arrays and tensors, in their order."""
    if inputs is None:
        return ()
    if isinstance(inputs, Mapping):
        raise UsageError("inputs are a dictionary", "inputs=(array, ...): in the order of the program's inputs")
    values = list(inputs) if isinstance(inputs, tuple | list) else [inputs]
    made = {f"input_{at}.npy": _array(at, one) for at, one in enumerate(values) if not _is_path(one)}
    paths = iter(_kept(made))
    return tuple(os.fspath(one) if _is_path(one) else next(paths) for one in values)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _array(at: int, value: Any) -> bytes:
    """An array or a tensor as the content of a .npy file."""
    import numpy as np  # which no call on files needs

    try:
        plain = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
        content = io.BytesIO()
        np.save(content, plain, allow_pickle=False)
    except (TypeError, ValueError, RuntimeError) as error:
        what = f"input {at}, a {type(value).__name__}, has no form as an array: {error}"
        raise UsageError(what, "save it with torch.save, and name the .pt file") from error
    return content.getvalue()


def _kept(contents: Mapping[str, bytes]) -> list[str]:
    """Write files into the folder of their content, where they are not yet; their paths."""
    if not contents:
        return []
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    folder = config.home() / FOLDER / digest.hexdigest()[:16]
    try:
        for name, content in contents.items():
            if not (folder / name).exists():
                files.write_whole(folder / name, content)
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error.strerror}", "set FVP_TUI_HOME to a folder of yours"
        ) from error
    return [str(folder / name) for name in contents]
