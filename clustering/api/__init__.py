"""REST resources of clustering, one module per kind of resource."""
