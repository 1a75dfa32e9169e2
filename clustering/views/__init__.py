"""The pages of clustering, one file per subject."""
