"""Tools: what they are (`base`), how they are written in Python, found, and called."""
