"""What people decided: an append-only log, what follows from it, and what readers see of it."""
