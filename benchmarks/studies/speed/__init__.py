"""How fast each part is, and whether other tools measure the same."""
