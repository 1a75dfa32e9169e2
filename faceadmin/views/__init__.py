"""The pages of the project itself, one file per page, and those of its refusals."""
