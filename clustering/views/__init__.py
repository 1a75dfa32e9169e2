"""Pages of clustering, one module per subject."""
