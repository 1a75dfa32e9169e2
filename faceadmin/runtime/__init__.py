"""The processes of the product: start, watch, stop."""
