"""Two rings, told apart by a small network."""
