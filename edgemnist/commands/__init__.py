"""One module per command: what it takes, what it prints. The work itself is done by the other packages."""
