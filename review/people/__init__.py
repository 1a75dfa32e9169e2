"""What a reviewer does with a person: enrol, merge, erase."""
