"""The REST resources of assignments: parse, call, answer."""
