"""`edgemnist env`: what is installed here, and what is missing for which purpose."""

from .console import print_json, results
from .options import Json

EXAMPLES = """
**Examples**

- `edgemnist env` versions, CPU, engines found, and the pip line for each missing extra
- `edgemnist env --json` the same for a bug report or a script
"""


def env(json: Json = False) -> None:
    """Show versions, CPU, engines found and missing extras."""
    from dataclasses import asdict
    from importlib.util import find_spec

    from rich.markup import escape

    from ..benchmarks.runner.machine import describe_machine
    from ..runtime.engines.registry import ENGINES

    machine = describe_machine()
    engines = {entry.name: entry.available for entry in ENGINES.values()}
    missing = {entry.extra: f"the engine {entry.name}" for entry in ENGINES.values() if not entry.available}
    missing |= {extra: purpose for extra, (package, purpose) in _EXTRAS.items() if find_spec(package) is None}
    lines = {extra: f"pip install 'edgemnist[{extra}]'" for extra in missing}
    if json:
        print_json({"machine": asdict(machine), "engines": engines, "missing_extras": lines})
        return
    results.print(
        f"{machine.cpu}, {machine.architecture}, {machine.cores} core(s) usable",
        markup=False,
        highlight=False,
    )
    results.print(f"{machine.system}, {machine.python}", highlight=False)
    results.print(f"frequency governor: {machine.governor or 'not told by this system'}", highlight=False)
    for name, version in machine.versions.items():
        results.print(f"  {name} {version}", highlight=False)
    for name, available in engines.items():
        results.print(f"engine {name}: {'[green]found[/]' if available else '[yellow]missing[/]'}")
    for extra, purpose in missing.items():
        results.print(f"for {purpose}: {escape(lines[extra])}", highlight=False)


_EXTRAS = {
    "bench": ("scipy", "intervals and bench.html in the benchmark"),
    "export": ("tensorflow", "training and conversion"),
}
