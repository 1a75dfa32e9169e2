"""REST resources of review."""
