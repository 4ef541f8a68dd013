"""Where every activation lies in the arena, and the proof of it."""
