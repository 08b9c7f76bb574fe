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
    slots), and the words of errors and anomalies: what a program reads of them is their code.
    """

    def __init__(self, kinds: Container[Kind]) -> None:
        self._kinds = kinds
        self.found: list[tuple[Place, cst.CSTNode, cst.CSTNode]] = []
        self._place: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._place.append(node.name.value)
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Raise | cst.ImportFrom | cst.Import):
            return False
        if _says_why(node):
            return False
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
                self.found.extend((tuple(self._place), node, replacement) for replacement in changed)
        if isinstance(node, cst.Assert):
            node.test.visit(self)
            return False
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._place.pop()


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
