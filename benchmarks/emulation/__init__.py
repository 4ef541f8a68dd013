"""The model in C on processors that this machine emulates: firmware, emulators, and what is measured."""
