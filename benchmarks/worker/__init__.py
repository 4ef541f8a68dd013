"""What one worker process measures."""
