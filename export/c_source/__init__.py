"""From a full-integer TFLite model to C99: its graph, its arithmetic in integers, the text of the files."""
