"""Use cases of people: enrol, merge, erase."""
