"""The REST resources of clustering: parse, call, answer. One module for each kind of thing."""
