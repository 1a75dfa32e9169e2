"""The people we know: reference photos and templates."""
