"""`python -m edgemnist` is the `edgemnist` command."""

from .cli.entry import main

if __name__ == "__main__":
    main()
