"""The import filters that each stream's customers have been asked, shop by shop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, and take it that every stream has been asked the filters of the last import."""
    op.add_column("streams", sa.Column("filters", sa.String(length=32), nullable=True))
    # The later half of the options' fingerprint is that of the filters.
    known = "(SELECT NULLIF(SUBSTR(options_fingerprint, 17), '') FROM database_state)"
    op.execute(f"UPDATE streams SET filters = {known} WHERE mappings IS NOT NULL")  # noqa: S608 - our own constant
