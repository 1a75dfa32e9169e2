"""REST resources of the project itself: thresholds, models, keys, and the OpenAPI document."""
