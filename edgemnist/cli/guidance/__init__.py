"""What the command line says beside results: help, the next step, the nearest name, what is kept."""
