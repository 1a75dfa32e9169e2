"""The pages that know people as well as their faces, one file per page."""
