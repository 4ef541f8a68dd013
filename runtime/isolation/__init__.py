"""Running or reading what nobody has proven where it can hurt nobody."""
