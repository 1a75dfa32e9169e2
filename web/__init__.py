"""HTTP manners every page and endpoint shares."""
