"""`edgemnist env`: what is installed here, and what is missing for which purpose."""

from dataclasses import asdict
from importlib.util import find_spec

from ...benchmarks.runner.machine import describe_machine
from ...runtime.engines.registry import ENGINES
from ..console import literal, print_json, print_result
from ..options import Json

EXAMPLES = """
**Examples**

- `edgemnist env` versions, CPU, engines found, and the pip line for each missing extra
- `edgemnist env --json` the same for a bug report or a script
"""

_EXTRAS = {
    "bench": ("scipy", "intervals and bench.html in the benchmark"),
    "export": ("tensorflow", "training and conversion"),
}


def env(json: Json = False) -> None:
    """Show versions, CPU, engines found and missing extras."""
    machine = describe_machine()
    engines = {entry.name: entry.available for entry in ENGINES.values()}
    missing = {entry.extra: f"the engine {entry.name}" for entry in ENGINES.values() if not entry.available}
    missing |= {extra: purpose for extra, (package, purpose) in _EXTRAS.items() if find_spec(package) is None}
    lines = {extra: f"pip install 'edgemnist[{extra}]'" for extra in missing}
    if json:
        print_json({"machine": asdict(machine), "engines": engines, "missing_extras": lines})
        return
    for line in (
        f"{machine.cpu}, {machine.architecture}, {machine.cores} core(s) usable",
        f"{machine.system}, {machine.python}",
        f"frequency governor: {machine.governor or 'unknown'}",
        *(f"  {name} {version}" for name, version in machine.versions.items()),
    ):
        print_result(literal(line))
    for name, available in engines.items():
        print_result(f"engine {name}: {'[green]found[/]' if available else '[yellow]missing[/]'}")
    for extra, purpose in missing.items():
        print_result(literal(f"for {purpose}: {lines[extra]}"))
