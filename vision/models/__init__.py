"""Model files: where they come from, which are active, how they run."""
