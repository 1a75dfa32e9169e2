"""A bucket becomes faces and clusters."""
