"""The `edgemnist` command, which `python -m edgemnist` is too."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is loaded ends it as later, without a traceback."""
    try:
        from .cli import main as run  # loads typer and Rich

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
