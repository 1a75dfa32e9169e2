"""The REST resources of review."""
