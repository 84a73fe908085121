"""How much a reader must hold in mind at once, measured on the syntax trees of `netsim`.

`python tests/test_readability.py [FOLDER]` prints what breaks a rule and the densest functions.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]

NODES_PER_FUNCTION = 350
NODES_PER_FUNCTION_P95 = 250
LINES_PER_FUNCTION = 60
LINES_PER_FILE = 300
FIELDS_PER_CLASS = 16
POSITIONAL_ARGUMENTS = 6
NODES_PER_LINE = 10
NODES_PER_LINE_OF_SIMULATION = 9
NODES_OF_SIMULATION = 30_000

# One field for each column of a table, each key of a section, or each fact a scheme may look at.
TABLES_AND_CONFIGURATION = {
    "netsim/protocols/scheme.py": {"Observation"},
    "netsim/scenario/model.py": {"Scenario"},
    "netsim/scenario/radio.py": {"Radio"},
    "netsim/schemes/model_switching.py": {"ModelSwitching"},
    "netsim/simulation/uploads/table.py": {"Uploads"},
}
# Where names of attributes are data: entry points, keys of a scenario, and the columns of a table of arrays.
NAMES_AS_STRINGS = ("netsim/plugins.py", "netsim/scenario/", "netsim/arrays.py")
BY_NAME = ("getattr", "setattr", "hasattr", "delattr", "vars")


@dataclass(frozen=True, eq=False)
class Source:
    """A file of the package."""

    path: str
    text: str
    tree: ast.Module

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All of the tree, a parent before its children: each rule looks through them."""
        return list(ast.walk(self.tree))

    @cached_property
    def sizes(self) -> dict[ast.AST, int]:
        """Number of syntax-tree nodes of each node and all below it.

        Contexts (load, store) are one object everywhere, and count wherever they stand.
        """
        found: dict[ast.AST, int] = {}
        for node in reversed(self.nodes):
            found[node] = 1 + sum(found[child] for child in ast.iter_child_nodes(node))
        return found

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    @property
    def classes(self) -> Iterator[ast.ClassDef]:
        for node in self.nodes:
            if isinstance(node, ast.ClassDef):
                yield node


@cache
def sources() -> list[Source]:
    found = []
    for path in sorted((ROOT / "netsim").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Source(path.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    return found


@cache
def lines_of_code(source: Source) -> set[int]:
    """Numbers of the lines that hold more than a comment or a docstring."""
    layout = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type not in layout:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in source.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            assert node.end_lineno is not None
            code.difference_update(range(node.lineno, node.end_lineno + 1))
    return code


def density(prefix: str) -> dict[str, float]:
    """Syntax-tree nodes per line of code of each function below `prefix`."""
    found = {}
    for source in sources():
        if source.path.startswith(prefix):
            code = lines_of_code(source)
            for function in source.functions:
                assert function.end_lineno is not None
                lines = sum(function.lineno <= n <= function.end_lineno for n in code)
                name = f"{source.path}:{function.lineno} {function.name}"
                found[name] = source.sizes[function] / max(lines, 1)
    return found


def fields(node: ast.ClassDef) -> int:
    """Fields that are declared, or set on self."""
    declared = {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    assigned = {
        item.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name)
        and item.value.id == "self"
    }
    return len(declared | assigned)


def imports(source: Source, modules: set[str]) -> set[str]:
    """Modules of the package that a file imports, for typing or inside functions too."""
    package = source.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    found = set()
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return (found & modules) - {package}


def circles() -> list[list[str]]:
    """Groups of files that import one another in a circle."""
    import networkx as nx

    names = {
        s.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__"): s for s in sources()
    }
    graph = nx.DiGraph()
    for name, source in names.items():
        graph.add_edges_from((name, other) for other in imports(source, set(names)))
    return [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]


def long_functions() -> list[str]:
    found = []
    for source in sources():
        for function in source.functions:
            assert function.end_lineno is not None
            nodes = source.sizes[function]
            lines = function.end_lineno - function.lineno + 1
            if nodes > NODES_PER_FUNCTION or lines > LINES_PER_FUNCTION:
                place = f"{source.path}:{function.lineno} {function.name}"
                found.append(f"{place}: {nodes} nodes, {lines} lines")
    return found


def wide_classes() -> list[str]:
    found = []
    for source in sources():
        exempt = TABLES_AND_CONFIGURATION.get(source.path, set())
        for node in source.classes:
            if node.name not in exempt and fields(node) > FIELDS_PER_CLASS:
                found.append(f"{source.path}:{node.lineno} {node.name}: {fields(node)} fields")
    return found


def names_as_strings() -> list[str]:
    found = []
    for source in sources():
        if source.path.startswith(NAMES_AS_STRINGS):
            continue
        for node in source.nodes:
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in BY_NAME:
                found.append(f"{source.path}:{called.lineno} {called.id}")
    return found


def positional_calls() -> list[str]:
    found = []
    for source in sources():
        for node in source.nodes:
            if isinstance(node, ast.Call) and len(node.args) > POSITIONAL_ARGUMENTS:
                found.append(f"{source.path}:{node.lineno}: {len(node.args)} positional arguments")
    return found


def long_files() -> list[str]:
    counts = {s.path: len(s.text.splitlines()) for s in sources()}
    return [f"{path}: {n} lines" for path, n in counts.items() if n > LINES_PER_FILE]


def unformatted() -> list[str]:
    """Lines exempt from the formatter, unless they close a table of numbers."""
    return [
        f"{source.path}:{number}"
        for source in sources()
        for number, line in enumerate(source.text.splitlines(), 1)
        if "# fmt: skip" in line and "number" not in line
    ]


RULES = {
    "functions that are too long": long_functions,
    "classes with too many fields": wide_classes,
    "attributes named by strings": names_as_strings,
    "calls with too many positional arguments": positional_calls,
    "files that are too long": long_files,
    "lines exempt from the formatter": unformatted,
    "import circles": circles,
}


def test_functions_are_short() -> None:
    assert long_functions() == []


def test_few_functions_are_nearly_too_long() -> None:
    sizes = [source.sizes[function] for source in sources() for function in source.functions]
    assert quantiles(sizes, n=20)[-1] <= NODES_PER_FUNCTION_P95


def test_classes_have_few_fields() -> None:
    assert wide_classes() == []


def test_attributes_are_not_named_by_strings() -> None:
    assert names_as_strings() == []


def test_arguments_are_named() -> None:
    assert positional_calls() == []


def test_files_are_short() -> None:
    assert long_files() == []


def test_the_formatter_sees_all_lines() -> None:
    assert unformatted() == []


def test_imports_go_one_way() -> None:
    assert circles() == []


def test_lines_say_one_thing() -> None:
    assert median(density("netsim/").values()) <= NODES_PER_LINE


def test_lines_of_the_simulation_say_one_thing() -> None:
    assert median(density("netsim/simulation/").values()) <= NODES_PER_LINE_OF_SIMULATION


def test_the_simulation_is_small() -> None:
    inside = [s for s in sources() if s.path.startswith("netsim/simulation/")]
    assert sum(s.sizes[s.tree] for s in inside) <= NODES_OF_SIMULATION


def main(prefix: str) -> None:
    out = sys.stdout.write
    for rule, check in RULES.items():
        for line in map(str, check()):
            if prefix in line:
                out(f"{rule}: {line}\n")
    found = density(prefix)
    out(f"median nodes per line of code: {median(found.values()):.2f} of {len(found)} functions\n")
    for name in sorted(found, key=lambda name: -found[name])[:40]:
        out(f"{found[name]:6.1f} {name}\n")


if __name__ == "__main__":
    main((sys.argv[1] if len(sys.argv) > 1 else "netsim").rstrip("/"))
