"""Docstrings of models/: they say the shape and the dtype of each array that a caller gives or gets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
#: Types of arrays, as annotations name them.
ARRAYS = {"ndarray", "NDArray", "csr_matrix", "Tensor"}
#: A shape, such as `(768,)` or `(7 + n_signals + 1, n_labels)`: sizes and names of sizes in parentheses.
SIZE = r"(?:\d+|n_\w+|[A-Z]{2}[A-Z_]*|len\(\w+\))"
SHAPE = re.compile(rf"\({SIZE}(?: [+*] {SIZE})*,[^()]*(?:\([^()]*\)[^()]*)*\)")
DTYPE = re.compile(r"\b(?:bool|float(?:16|32|64)?|u?int(?:8|16|32|64|p)|str)\b", re.IGNORECASE)

Documented = ast.FunctionDef | ast.ClassDef


class Place(NamedTuple):
    """A public function, method or class with arrays, and the names of its arrays."""

    path: Path
    node: Documented
    arrays: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.node.name}"


def modules() -> dict[Path, ast.Module]:
    paths = sorted((ROOT / "models").rglob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def names_in(annotation: ast.expr | None) -> set[str]:
    if annotation is None:
        return set()
    nodes = list(ast.walk(annotation))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def aliases(module: ast.Module) -> set[str]:
    """Return the names that a module gives to types of arrays: `Numbers = NDArray[np.float64]`."""
    return {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
        for target in node.targets
        if isinstance(target, ast.Name) and names_in(node.value) & ARRAYS
    }


def arrays_of(node: Documented, types: set[str]) -> tuple[str, ...]:
    """Return the arrays that a function takes and returns, or that a class has, by name."""
    if isinstance(node, ast.ClassDef):
        fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
        named = [(ast.unparse(one.target), one.annotation) for one in fields]
    else:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        named = [(one.arg, one.annotation) for one in arguments]
        named.append(("return", node.returns))
    return tuple(
        name
        for name, annotation in named
        if names_in(annotation) & types and not name.startswith("_")
    )


def places() -> Iterator[Place]:
    trees = modules()
    types = ARRAYS | {name for tree in trees.values() for name in aliases(tree)}
    for path, tree in trees.items():
        public = [
            node
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        members = [
            member
            for node in public
            if isinstance(node, ast.ClassDef)
            for member in node.body
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
        ]
        for node in [*public, *members]:
            if arrays := arrays_of(node, types):
                yield Place(path, node, arrays)


def gaps(docstring: str, arrays: tuple[str, ...]) -> list[str]:
    """Return what a docstring leaves out of *arrays*."""
    missing = [
        name for name in arrays if name != "return" and not re.search(rf"\b{name}\b", docstring)
    ]
    if not SHAPE.search(docstring) and "shape" not in docstring.lower():
        missing.append("a shape")
    if not DTYPE.search(docstring):
        missing.append("a dtype")
    return missing


@pytest.mark.parametrize("place", list(places()), ids=lambda place: place.name)
def test_an_array_has_its_name_its_shape_and_its_dtype_in_the_docstring(place: Place):
    assert gaps(ast.get_docstring(place.node) or "", place.arrays) == []


@pytest.mark.parametrize(
    "docstring, left_out",
    [
        ("Return float32 of shape (n_texts, 768): the means of *features*.", []),
        ("Return the means of *features*, one a text.", ["a shape", "a dtype"]),
        ("Return float32 (n_texts, 768).", ["features"]),
    ],
)
def test_a_docstring_that_leaves_something_out_is_seen(docstring: str, left_out: list[str]):
    assert gaps(docstring, ("features", "return")) == left_out
