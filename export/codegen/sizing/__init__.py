"""What a network takes on a microcontroller."""
