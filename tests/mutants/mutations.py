"""What may be changed in a file: one mutant for each small change that mutmut's operators know."""

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import libcst as cst
from mutmut.mutation.mutators import (
    mutation_operators,
    operator_arg_removal,
    operator_assignment,
    operator_string,
)

Kind = Literal["decision", "wiring"]
"""Decisions: operators, comparisons, branches, numbers, strings. Wiring: an argument or value left out."""
WIRING: Final = (operator_arg_removal, operator_assignment)
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed file. `name` says what was changed, without a line number, so that it outlives edits."""

    module: str
    name: str
    source: str


def mutants(path: Path, root: Path, kinds: Container[Kind]) -> Iterator[Mutant]:
    """Yield the mutants of a file, in the order of its lines."""
    relative = path.relative_to(root)
    source = path.read_text(encoding="utf-8")
    tree = cst.parse_module(source)
    changes = _Changes(kinds)
    tree.visit(changes)
    seen: Counter[str] = Counter()
    for place, before, after in changes.found:
        mutated = tree.deep_replace(before, after).code  # type: ignore[arg-type]
        if mutated == source:
            continue
        name = f"{relative.name} {'.'.join(place) or '(module)'}: {_difference(source, mutated)}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" (no. {seen[name]})"
        yield Mutant(".".join(relative.with_suffix("").parts), name, mutated)


class _Changes(cst.CSTVisitor):
    """Collects (place, node, its replacement).

    Left out is what no test could or should notice: annotations, type aliases, decorators (sizes of caches,
    slots), and the words of errors and anomalies: what a program reads of them is their code. So are `strict`
    of zip, which states what would be our own mistake, and the sizes of caches that are made by a call.
    """

    def __init__(self, kinds: Container[Kind]) -> None:
        self._kinds = kinds
        self.found: list[tuple[Place, cst.CSTNode, cst.CSTNode]] = []
        self._place: list[str] = []
        self._unread: list[cst.Arg] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._place.append(node.name.value)
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Raise | cst.ImportFrom | cst.Import):
            return False
        if _says_why(node) or (any(node is arg for arg in self._unread) and not _is_false(node)):
            return False
        if isinstance(node, cst.Call):
            self._unread.extend(_unread(node))
        if not self._place and _names_a_type(node):
            return False
        for node_type, operator in mutation_operators:
            if (
                isinstance(node, node_type)
                and ("wiring" if operator in WIRING else "decision") in self._kinds
            ):
                changed = list(operator(node))
                if operator is operator_string:
                    del changed[1:]  # the first puts letters around it; the others change the case
                if operator is operator_arg_removal and isinstance(node, cst.Call):
                    changed = [call for call in changed if self._is_read(node, call)]
                self.found.extend((tuple(self._place), node, replacement) for replacement in changed)
        if isinstance(node, cst.Assert):
            node.test.visit(self)
            return False
        return True

    def _is_read(self, call: cst.Call, changed: cst.CSTNode) -> bool:
        """Tell whether another argument was changed than those that nothing depends on."""
        assert isinstance(changed, cst.Call)
        left = [*changed.args, *self._unread]
        return not all(any(arg is other for other in left) for arg in call.args)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._place.pop()


def _unread(call: cst.Call) -> Iterator[cst.Arg]:
    """Yield arguments that nothing depends on: `strict` of zip, `maxsize` of caches, an anomaly's words."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if not isinstance(name, cst.Name):
        return
    if name.value in ("Anomaly", "_anomaly"):
        yield from call.args[2:3]
    for arg in call.args:
        if arg.keyword and (name.value, arg.keyword.value) in (("zip", "strict"), ("lru_cache", "maxsize")):
            yield arg


def _is_false(node: cst.CSTNode) -> bool:
    """Tell whether an argument is `False`: `strict=True` in its place does something."""
    return isinstance(node, cst.Arg) and isinstance(node.value, cst.Name) and node.value.value == "False"


def _says_why(node: cst.CSTNode) -> bool:
    """Tell whether a statement only sets the words of an anomaly: `detail = ...`."""
    return (
        isinstance(node, cst.Assign)
        and isinstance(node.targets[0].target, cst.Name)
        and node.targets[0].target.value == "detail"
    )


def _names_a_type(node: cst.CSTNode) -> bool:
    """Tell whether a statement of the module is `X = Literal[...]` or `X = NewType(...)`."""
    if not isinstance(node, cst.Assign):
        return False
    value = node.value
    if isinstance(value, cst.Call):
        return isinstance(value.func, cst.Name) and value.func.value == "NewType"
    return isinstance(value, cst.Subscript | cst.BinaryOperation)


def _difference(before: str, after: str) -> str:
    """Return the lines that differ: what was there, and what is there now."""
    old, new = before.splitlines(), after.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    was, became = (" ".join(line.strip() for line in lines) for lines in (old, new))
    return f"{was} -> {became or '(nothing)'}"
