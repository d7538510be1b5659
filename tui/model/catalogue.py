"""The models that can be picked, and the meaning of a model's name. Imports neither torch nor executorch.

A model is ``sample:NAME`` (a file of sample_models/), ``executorch:NAME`` (shipped in the ExecuTorch package), or a
file: .py with ``ModelUnderTest`` and ``ModelInputs``, .pt2, a network that Vela reads by itself, .tflite or .tosa, or a
ready program, .pte or .bpte.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui import resources
from tui.errors import UsageError
from tui.toolchain import toolchains, vela
from tui.toolchain.toolchains import Toolchain

PROGRAMS = (".pte", ".bpte")
NETWORKS = vela.READS
SUFFIXES = (".py", ".pt2", *NETWORKS, *PROGRAMS)
REQUIRED_NAMES = ("ModelUnderTest", "ModelInputs")
"""Names that a model's .py file defines at top level, by ExecuTorch's own convention (aot_arm_compiler)."""

A_COMPILER = "a compiler"
"""Name of what is missing where there is neither torch nor ExecuTorch."""

FEATURED = ("resnet8", "ds_cnn", "mobilenet_v1_025", "deep_autoencoder")
"""ExecuTorch's models to list first: the four MLPerf Tiny ones."""

_TITLES = {
    "resnet8": "MLPerf Tiny: image classification, 32x32",
    "ds_cnn": "MLPerf Tiny: keyword spotting",
    "mobilenet_v1_025": "MLPerf Tiny: visual wake words, 96x96",
    "deep_autoencoder": "MLPerf Tiny: anomaly detection",
}


Group = Literal["samples", "executorch"]


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be picked."""

    name: str
    """As the command line takes it, such as ``sample:digits``."""
    title: str
    group: Group
    path: Path
    missing: tuple[str, ...] = ()
    """Modules it imports that the toolchain lacks: unless empty, the model cannot be compiled by it."""


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (OSError, SyntaxError, ValueError):
        return None


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of each import that importing a module executes; level 0 is absolute."""
    for node in tree.body:
        for inner in ast.walk(node) if not isinstance(node, ast.FunctionDef | ast.ClassDef) else ():
            if isinstance(inner, ast.Import):
                yield from ((0, alias.name) for alias in inner.names)
            elif isinstance(inner, ast.ImportFrom):
                yield inner.level, inner.module or ""


def _module_file(base: Path, dotted: str) -> Path | None:
    """The file of a module `dotted` below the folder `base`."""
    place = base.joinpath(*dotted.split(".")) if dotted else base
    candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _missing(
    start: Path, toolchain: Toolchain, root: Path | None = None, tree: ast.Module | None = None
) -> tuple[str, ...]:
    """Modules that importing the file `start` needs and the toolchain lacks; `tree` is its syntax tree if parsed.

    Imports within the package at `root` are followed: ExecuTorch's examples import each other.
    """
    if toolchain.lacks:
        return (A_COMPILER,)
    names: set[str] = set()
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        syntax = tree if tree is not None and file == start else _tree(file)
        for level, dotted in _imports(syntax) if syntax else ():
            package = dotted.split(".")[0]
            inside: Path | None = None
            if level:
                inside = _module_file(file.parents[level - 1], dotted)
            elif root is not None and dotted.startswith(f"{root.name}.examples."):
                inside = _module_file(root, dotted.partition(".")[2])
            elif not toolchain.has(package):
                names.add(package)
            if inside is not None:
                waiting.append(inside)
    return tuple(sorted(names))


def _summary(tree: ast.Module) -> str:
    """The first line of a module's docstring, without its full stop."""
    return (ast.get_docstring(tree) or "").split("\n", 1)[0].rstrip(".")


def samples(toolchain: Toolchain) -> list[ModelInfo]:
    """The sample models, ``digits`` first."""
    return [
        ModelInfo(f"sample:{file.stem}", _summary(tree), "samples", file, _missing(file, toolchain, tree=tree))
        for file, tree in _sample_trees()
    ]


def _sample_trees() -> list[tuple[Path, ast.Module]]:
    files = [file for file in resources.folder("sample_models").glob("*.py") if not file.name.startswith("_")]
    trees = [(file, tree) for file in files if (tree := _tree(file))]
    models = [(file, tree) for file, tree in trees if not _bound(tree.body).isdisjoint(REQUIRED_NAMES)]
    return sorted(models, key=lambda model: (model[0].stem != "digits", model[0].stem))


def _examples(toolchain: Toolchain) -> Path | None:
    """executorch/examples/models of a toolchain."""
    folder = Path(toolchain.executorch or "") / "examples" / "models"
    return folder if toolchain.executorch and (folder / "__init__.py").is_file() else None


def _registry(source: Path) -> dict[str, str]:
    """Folder by name of each registered model, read from ``MODEL_NAME_TO_MODEL``."""
    tree = _tree(source)
    members: dict[str, str] = {}
    folders: dict[str, str] = {}
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == "Model":
            for item in node.body:
                if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant):
                    members |= {t.id: str(item.value.value) for t in item.targets if isinstance(t, ast.Name)}
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Dict)
            and any(isinstance(t, ast.Name) and t.id == "MODEL_NAME_TO_MODEL" for t in node.targets)
        ):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                member = next((n.attr for n in ast.walk(key) if isinstance(n, ast.Attribute)), "") if key else ""
                if member in members and isinstance(value, ast.Tuple) and isinstance(value.elts[0], ast.Constant):
                    folders[members[member]] = str(value.elts[0].value)
    return folders


def executorch_models(toolchain: Toolchain) -> list[ModelInfo]:
    """The models ExecuTorch ships, those of MLPerf Tiny first; empty if the toolchain has no ExecuTorch."""
    examples = _examples(toolchain)
    if examples is None:
        return []
    models = []
    for name, package in _registry(examples / "__init__.py").items():
        folder = examples / package
        missing = _missing(folder / "__init__.py", toolchain, root=examples.parent.parent)
        models.append(ModelInfo(f"executorch:{name}", _TITLES.get(name, ""), "executorch", folder, missing))
    order = {f"executorch:{name}": at for at, name in enumerate(FEATURED)}
    return sorted(models, key=lambda m: (order.get(m.name, len(order)), bool(m.missing), m.name))


def presumed(name: str) -> ModelInfo:
    """One of ExecuTorch's models without a look whether it exists, since listing them takes time."""
    return ModelInfo(name, _TITLES.get(name.partition(":")[2], ""), "executorch", Path())


def models(toolchain: Toolchain) -> list[ModelInfo]:
    """All models that have a name: samples, then ExecuTorch's."""
    return samples(toolchain) + executorch_models(toolchain)


def _bound(body: list[ast.stmt]) -> set[str]:
    """Names that a file binds at top level; ``*`` stands for a star import, which may bind any name."""
    names: set[str] = set()
    for node in body:
        match node:
            case ast.Assign():
                names |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import() | ast.ImportFrom():
                names |= {(alias.asname or alias.name) for alias in node.names}
            case ast.If() | ast.Try() | ast.With() | ast.For():
                for part in ("body", "orelse", "finalbody"):
                    names |= _bound(getattr(node, part, []))
    return names


def _check_python(path: Path) -> None:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: syntax error: {error.msg}") from error
    except (ValueError, OSError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    names = _bound(tree.body)
    missing = [name for name in REQUIRED_NAMES if name not in names]
    if missing and "*" not in names:
        raise UsageError(
            f"{path} does not define {' and '.join(missing)}",
            "set ModelUnderTest to the nn.Module and ModelInputs to a tuple of example tensors",
        )


def resolve(name: str, toolchain: Toolchain) -> str:
    """The canonical name of a model for a spec: ``sample:X``, ``executorch:X`` or an absolute path.

    Raises:
        UsageError: there is no such model, the file is not a model, or the toolchain cannot compile it.
    """
    prefix, colon, rest = name.partition(":")
    if colon and prefix in ("sample", "executorch"):
        if prefix == "executorch":
            check_compiler(name, toolchain)
        listed = samples(toolchain) if prefix == "sample" else executorch_models(toolchain)
        info = next((model for model in listed if model.name == name), None)
        if info is None:
            names = [model.name.partition(":")[2] for model in listed]
            close = difflib.get_close_matches(rest, names, n=1)
            hint = f"did you mean {prefix}:{close[0]}?" if close else "see: fvp-tui models"
            raise UsageError(f"unknown model {name}", hint)
        check_compiler(name, toolchain)
        if info.missing:
            raise UsageError(f"{name} needs {', '.join(info.missing)}", f"pip install {' '.join(info.missing)}")
        return name
    path = Path(name).expanduser()
    if path.suffix not in SUFFIXES and not path.exists():
        full = next((model.name for model in models(toolchain) if model.name.endswith(f":{name}")), None)
        if full is not None:
            raise UsageError(f"no file {name}", f"did you mean {full}?")
    file = of_file(name)
    if needs_compiler(file):
        check_compiler(name, toolchain)
    return file


def of_file(name: str) -> str:
    """The absolute path of a model's file.

    Raises:
        UsageError: there is no such file, or it is not a model.
    """
    path = Path(name).expanduser()
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{name} is not a model", f"expected one of fvp-tui models, or a file {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise UsageError(f"no file {name}")
    if path.suffix == ".py":
        _check_python(path)
    return str(path.resolve())


def check_compiler(name: str, toolchain: Toolchain) -> None:
    """Raises:
    UsageError: a toolchain has no compiler for a model.
    """
    if toolchain.lacks:
        missing = " and ".join(toolchain.lacks)
        where = "" if toolchain.own else f" in {toolchain.python}"
        ways = toolchains.WAYS if toolchain.own else f"--toolchain with a Python that has {missing}"
        raise UsageError(f"{name} needs a compiler: no {missing}{where}", ways)


def is_program(name: str) -> bool:
    """True if a canonical name is that of a compiled program."""
    return name.endswith(PROGRAMS)


def is_network(name: str) -> bool:
    """True if a canonical name is that of a network which Vela compiles by itself, without torch or ExecuTorch."""
    return name.endswith(NETWORKS)


def needs_compiler(name: str) -> bool:
    """True if a canonical name is that of a model which torch and ExecuTorch compile."""
    return not is_program(name) and not is_network(name)


def source_file(name: str) -> Path | None:
    """The .py file behind a canonical name, if it has one."""
    if name.startswith("sample:"):
        return next((file for file, _ in _sample_trees() if name == f"sample:{file.stem}"), None)
    return Path(name) if name.endswith(".py") else None
