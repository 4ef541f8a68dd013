"""From a plan to the files of C."""
