"""A folder with a model's JavaScript and WebAssembly, as npm takes it for a package."""

import json
import re
import shutil
from importlib import metadata
from pathlib import Path

from ...runtime.errors import OptionError
from ...runtime.files import writing

ENDING = ".npm"
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._~-]+")
_README = """# {name}

A network in integers, as WebAssembly, written by edgemnist.

```js
import {{ load }} from "{package}";

const model = await load();
const output = model.run(input);
```
"""


def write_package(artifact: Path) -> Path:
    """Write the package of an int8.wasm artifact into a folder beside it, and return the folder.

    Raises:
        OptionError: There is no such artifact.
        OutputError: The folder cannot be written.
    """
    stem = artifact.stem
    files = [artifact.with_name(stem + ending) for ending in (".wasm", ".plain.wasm", ".mjs", ".d.ts")]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise OptionError(
            "a package is made of int8.wasm", received=f"no {missing[0]}", fix="Add --format wasm."
        )
    folder = artifact.with_name(stem + ENDING)
    package = _NOT_IN_NAMES.sub("-", stem.removesuffix(".int8").lower()).strip("-._~") or "model"
    package = f"{package}-int8"
    description = {
        "name": package,
        "version": metadata.version("edgemnist"),
        "description": f"{stem}: a network in integers, as WebAssembly",
        "type": "module",
        "main": f"./{stem}.mjs",
        "types": f"./{stem}.d.ts",
        "exports": {
            ".": {"types": f"./{stem}.d.ts", "default": f"./{stem}.mjs"},
            "./*.wasm": "./*.wasm",
        },
        "files": [file.name for file in files],
        "sideEffects": False,
    }
    with writing(str(folder)):
        staged = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        for file in files:
            shutil.copyfile(file, staged / file.name)
        (staged / "package.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        readme = _README.format(name=stem, package=package)
        (staged / "README.md").write_text(readme, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
    return folder
