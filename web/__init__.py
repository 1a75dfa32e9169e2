"""HTTP conventions shared by every page and endpoint."""
