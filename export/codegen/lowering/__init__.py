"""What the lowerings of several operators share."""
