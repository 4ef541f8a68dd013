"""The JSON documents of this project: each has a version and a schema."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import EdgeMnistError


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """A kind of document.

    Attributes:
        name: What it is, such as "a manifest".
        version: The newest schema version that is understood.
        package: The package that holds its schema.
        schema: The schema's file name in that package.
        error: What is raised where a document is none of its kind.
        fix: What to do then.
    """

    name: str
    version: int
    package: str
    schema: str
    error: type[EdgeMnistError]
    fix: str

    def check_version(self, document: Any, path: Path) -> None:
        """Check that this version of edgemnist may read a document.

        Raises:
            EdgeMnistError: Of the kind `error`: it was written by a newer version.
        """
        version = document.get("schema_version") if isinstance(document, dict) else None
        if isinstance(version, int) and version > self.version:
            raise self.error(
                f"{path} was written by a newer edgemnist",
                received=f"schema version {version}",
                expected=f"at most {self.version}",
                fix="Upgrade with: pip install --upgrade edgemnist",
            )

    def check(self, document: Any, path: Path) -> None:
        """Check a document's version, and all of it against the schema.

        Raises:
            EdgeMnistError: Of the kind `error`: it is not as the schema says, or written by a newer version.
        """
        import fastjsonschema  # here, since a predictor reads no schema and must start quickly

        self.check_version(document, path)
        try:
            _validator(self.package, self.schema)(document)
        except fastjsonschema.JsonSchemaValueException as error:
            raise self.error(f"{path} is not {self.name}", received=error.message, fix=self.fix) from error


@cache
def _validator(package: str, schema: str) -> Any:
    from importlib import resources

    import fastjsonschema

    text = resources.files(package).joinpath(schema).read_text(encoding="utf-8")
    return fastjsonschema.compile(json.loads(text))
