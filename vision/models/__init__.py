"""Model files: catalogue, download, selection, and inference sessions."""
