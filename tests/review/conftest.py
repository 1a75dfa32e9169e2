"""What the tests of review share with those of assignments."""

from tests.assignments.conftest import (  # noqa: F401 - fixtures
    ada_row,
    album,
    assign,
    engine,
    family,
    matched,
    people,
)
