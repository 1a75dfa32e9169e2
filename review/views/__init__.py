"""Pages of review, one module per page."""
