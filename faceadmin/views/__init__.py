"""Pages of the project itself, one file per page, and the pages of errors."""
