"""Small edits of hand-written code, made by rule: operators, comparisons, constants, axes, indices.

As a mutation tester makes them, each at one place of one function. What is left to judge is whether
the gate sees every edit that changes a result.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.project import ROOT

SCRATCH = ROOT / "scratch"

# The functions that compute; the others check input, or drive.
FUNCTIONS = {
    "xor.py": ("_forward", "_loss", "_backward", "_error"),
    "circles.py": ("_forward", "_loss", "_backward"),
    "clusters.py": ("_forward", "_loss", "_backward"),
    "training.py": ("accuracy", "parameter_count", "_descend", "_classes"),
}
BINARY = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.MatMult: "*",
}
COMPARED = {ast.Gt: ">=", ast.GtE: ">", ast.Lt: "<=", ast.LtE: "<", ast.Eq: "!=", ast.NotEq: "=="}
CALLED = {"sum": "mean", "maximum": "minimum", "max": "min", "argmax": "argmin", "exp": "expm1"}


@dataclass(frozen=True)
class Mutant:
    """A file with one place changed."""

    file: str
    line: int
    old: str
    new: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}: {self.old} → {self.new}"


def mutants(file: str) -> Iterator[Mutant]:
    """Every edit of a file of scratch/."""
    source = (SCRATCH / file).read_text()
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef) and function.name in FUNCTIONS[file]:
            body = function.body[ast.get_docstring(function) is not None :]
            for statement in body:
                for node in ast.walk(statement):
                    for new in replacements(node, source):
                        yield made(file, source, node, new)


def replacements(node: ast.AST, source: str) -> Iterator[str]:
    """What may stand for a node of the syntax tree."""

    def text(part: ast.AST) -> str:
        return ast.get_source_segment(source, part) or ""

    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            yield f"({text(left)}) {BINARY[type(op)]} ({text(right)})"
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in BINARY:
            yield f"{text(target)} {BINARY[type(op)]}= {text(value)}"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARED:
            yield f"({text(left)}) {COMPARED[type(op)]} ({text(right)})"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield f"({text(operand)})"
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as number):
            yield f"{number + 1}"
        case ast.Attribute(value=value, attr="T"):
            yield text(value)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in CALLED:
            arguments = text(node)[len(text(node.func)) :]
            yield f"{text(value)}.{CALLED[name]}{arguments}"


def made(file: str, source: str, node: ast.expr | ast.stmt, new: str) -> Mutant:
    """The source with a node replaced; offsets of the syntax tree count bytes."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:index])) for index in range(len(lines))]
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = starts[node.lineno - 1] + node.col_offset
    end = starts[node.end_lineno - 1] + node.end_col_offset
    whole = source.encode()
    edited = (whole[:start] + new.encode() + whole[end:]).decode()
    return Mutant(file, node.lineno, whole[start:end].decode(), new, edited)
