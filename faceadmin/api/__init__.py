"""The project's own resources: thresholds, models, keys, and the description of all of them."""
