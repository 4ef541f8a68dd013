"""What recipes are worth, and how fast they train."""
