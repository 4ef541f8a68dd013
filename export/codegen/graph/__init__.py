"""What a network is to the generator: from the bytes of a file to a normalized graph."""
