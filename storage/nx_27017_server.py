"""The embedded document store's process: nx-27017 with SQLite's ``secure_delete`` enabled.

``python -m storage.nx_27017_server`` takes the arguments of ``python -m nx_27017.nx_27017``.
"""

from __future__ import annotations

from neosqlite.connection import Connection
from nx_27017.nx_27017 import main


def overwrite_deleted() -> None:
    """Make every SQLite connection of the server overwrite deleted content with zeros."""
    configure = Connection._configure_connection

    def configure_securely(self: Connection) -> None:
        configure(self)
        self.db.execute("PRAGMA secure_delete=ON")

    Connection._configure_connection = configure_securely


if __name__ == "__main__":
    overwrite_deleted()
    main()
