"""What to do next, given what is in the current folder."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...proof.formats import SOURCE
from ...runtime.artifact.lookup import newer_model
from ...runtime.artifact.manifest import MANIFEST_NAME, Manifest, read_manifest
from ...runtime.errors import EdgeMnistError
from ...runtime.printable import printable
from ..console import literal, print_result
from ..project import read_defaults

_MODELS = (".keras", ".h5")
_DATA = (".npz", ".csv")


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and why it is the next one."""

    command: str
    why: str


def show_next_steps(project_file: Path) -> None:
    """Print what to do next in the current folder, and where help is."""
    project = read_defaults("export", ("model", "artifacts"), project_file)
    steps = next_steps(Path(), project.get("model"), Path(project.get("artifacts", "artifacts")))
    print_result("What to do next here:")
    for step in steps:
        print_result(f"\n  [bold]{literal(step.command)}[/]")
        print_result(f"      {literal(step.why)}")
    print_result("")
    print_result("edgemnist --help lists all commands, edgemnist COMMAND --help their options.")


def next_steps(folder: Path, model: str | None, artifacts: Path) -> tuple[Step, ...]:
    """Return what to do next, the first step first.

    Args:
        folder: Where the person is.
        model: The project's own model, if its file names one.
        artifacts: The project's folder of artifacts, in `folder`.

    Raises:
        ManifestError: The manifest is damaged.
    """
    where = "" if artifacts == Path("artifacts") else f" --artifacts {_shown(artifacts)}"
    home = folder / artifacts
    if not (home / MANIFEST_NAME).exists():
        return (*_before_export(folder, home, model, where),)
    manifest = read_manifest(home)
    missing = [record.file for record in manifest.artifacts if not (home / record.file).is_file()]
    outdated = newer_model(home)
    if outdated:
        return (Step(outdated.rpartition(": ")[2], "the model was trained again since the export"),)
    if missing:
        formats = "".join(f" --format {one}" for one in _formats(manifest))
        named = ", ".join(_shown(name) for name in missing[:3])
        return (Step(f"edgemnist export{formats}{where}", f"files of the manifest are gone: {named}"),)
    return (*_after_export(home, manifest, where),)


def _before_export(folder: Path, home: Path, model: str | None, where: str) -> Iterator[Step]:
    if not SOURCE.engine.available:
        why = "training and converting need TensorFlow, which is not installed here"
        yield Step("pip install 'edgemnist[export]'", why)
    for name in _files(home, (".checkpoint.npz",)):
        yield Step(f"edgemnist train --resume{where}", f"{name} is of a training that was interrupted")
    if model:
        yield Step(f"edgemnist export --int8{where}", f"converts and proves the project's {_shown(model)}")
        return
    trained = _files(home, _MODELS)
    if trained:
        yield Step(f"edgemnist export --int8{where}", f"{trained[0]} is trained and not exported yet")
        return
    own, data = _files(folder, _MODELS), _files(folder, _DATA)
    if own:
        chosen = f" --data {data[0]}" if data else " --data PATH"
        command = f"edgemnist export --int8 --model {own[0]}{chosen}{where}"
        yield Step(command, f"converts {own[0]} to TFLite and ONNX, and proves every file on the test data")
    yield Step(
        f"edgemnist export --int8{where}",
        "no model here yet: trains the MNIST network, converts and proves it"
        if not own
        else "or the MNIST network instead, trained first",
    )
    yield Step(f"edgemnist train --network cnn{where}", "or train the convolutional one first")


def _after_export(home: Path, manifest: Manifest, where: str) -> Iterator[Step]:
    report = home / "bench.json"
    if not report.is_file():
        yield Step(f"edgemnist bench{where}", "proven, and the latency is not measured yet")
    else:
        changed = _measured_others(report, manifest)
        if changed:
            yield Step(f"edgemnist bench{where}", f"bench.json is out of date: {changed}")
        else:
            yield Step(f"edgemnist advise{where}", "all is measured: which artifact to ship, and why")
            yield Step(f"{_shown(home / 'bench.html')}", "the report, for a browser")
    yield Step(f"edgemnist verify {_shown(home)}", "proves all of it again, as whoever receives it will")


def _measured_others(report: Path, manifest: Manifest) -> str:
    from ...benchmarks.report.document import read_document  # takes long to import

    try:
        rows = read_document(report)["rows"]
    except EdgeMnistError:
        return "it cannot be read"
    measured = {row["file"]: row["sha256"] for row in rows}
    artifacts = {record.file: record.sha256 for record in manifest.artifacts}
    other = [name for name, sha256 in artifacts.items() if measured.get(name, "") not in {sha256, ""}]
    new = [name for name in artifacts if name not in measured and not name.endswith(_MODELS)]
    if other:
        return f"it measured another {_shown(other[0])}"
    return f"it has no {_shown(new[0])}" if new else ""


def _formats(manifest: Manifest) -> list[str]:
    return [
        f"{record.precision}.{record.format}"
        for record in manifest.artifacts
        if record.file != manifest.model.file
    ]


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(_shown(path.name) for path in folder.iterdir() if path.name.endswith(suffixes))


def _shown(name: object) -> str:
    """Return a name as one writes it on a command line; it may come from a stranger's folder."""
    return shlex.quote(printable(str(name)))
