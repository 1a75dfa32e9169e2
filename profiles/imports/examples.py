"""Sample documents; the examples of the OpenAPI document are rendered from them."""

from __future__ import annotations

from profiles.examples import CREATED
from profiles.imports.documents import Import, ImportedFile, ImportKind, ImportState, Outcome

IMPORT = Import(
    id="7c0ffee07c0ffee07c0ffee0",
    state=ImportState.WORKING,
    kind=ImportKind.ZIP,
    source="people.zip",
    total=40,
    counts={
        Outcome.ENROLLED: 12,
        Outcome.ADDED: 7,
        Outcome.KNOWN_ALREADY: 1,
        Outcome.REFUSED: 1,
    },
    codes={"no_face": 1},
    created_by="grace",
    created_at=CREATED,
)
FILE = ImportedFile(
    path="ada/holiday.jpg",
    user_id="ada",
    outcome=Outcome.REFUSED,
    code="no_face",
    detail="There is no face in the photo.",
)
