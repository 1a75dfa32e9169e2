"""REST resources of assignments."""
