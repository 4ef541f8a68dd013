"""From a full-integer TFLite model to C99: the graph, its arithmetic in integers, and the text of the files."""
