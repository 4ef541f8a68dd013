"""Other processors, compilers and releases of the runtimes."""
