"""The settings of the target as a JSON schema: their names, types, defaults and descriptions."""

from __future__ import annotations

import typing as t

from singer_sdk import typing as th

from target_contactdb.consent import Resubscribe
from target_contactdb.fields import FieldType
from target_contactdb.keys import USER_CODE
from target_contactdb.mapping import Update, WhenEmpty

_CONTACT_FIELD = th.ObjectType(
    th.Property("name", th.StringType, required=True),
    th.Property("type", th.StringType(allowed_values=[kind.value for kind in FieldType]), required=True),
    th.Property("label", th.StringType),
    th.Property("choices", th.ArrayType(th.StringType)),
    additional_properties=False,
)

_MAPPING = th.ObjectType(
    th.Property("source", th.StringType, required=True),
    th.Property("field", th.StringType, required=True),
    th.Property("update", th.StringType(allowed_values=[rule.value for rule in Update])),
    th.Property("when_empty", th.StringType(allowed_values=[rule.value for rule in WhenEmpty])),
    additional_properties=False,
)

_OPTIONS = th.ObjectType(
    # What an entry may be is checked when it is read, so that every problem of all of them is told at once.
    th.Property("import_filters", th.CustomType({"type": ["array", "null"], "items": {"type": "object"}})),
    th.Property("update_existing", th.BooleanType),
    th.Property("unsubscribe_no_consent", th.CustomType({"type": ["string", "null"]})),
    th.Property("unsubscribe_discarded", th.CustomType({"type": ["string", "null"]})),
    th.Property("unsubscribe_deleted", th.CustomType({"type": ["string", "null"]})),
    th.Property("resubscribe", th.StringType(allowed_values=[rule.value for rule in Resubscribe])),
    th.Property("protected_causes", th.ArrayType(th.StringType)),
    th.Property("min_opt_in_level", th.StringType(allowed_values=["single", "confirmed"])),
    th.Property("max_status_changes", th.CustomType({"type": ["string", "integer"]})),
)

CONFIG_JSONSCHEMA: t.Final = th.PropertiesList(
    th.Property(
        "sqlalchemy_url",
        th.StringType,
        secret=True,
        default="sqlite:///contacts.db",
        title="SQLAlchemy URL",
        description=(
            "URL of the contact database: SQLite, PostgreSQL (postgresql+psycopg://...), "
            "MariaDB or MySQL (mysql+pymysql://...)."
        ),
    ),
    th.Property(
        "default_target_schema",
        th.StringType,
        title="Default target schema",
        description="PostgreSQL schema that holds the tables; made if it does not exist.",
    ),
    th.Property(
        "enable_import",
        th.BooleanType,
        default=True,
        title="Enable import",
        description="False imports nothing: a paused operation is logged per kind and shop, and no bookmark moves.",
    ),
    th.Property(
        "contact_stream",
        th.StringType,
        default="customers",
        title="Contact stream",
        description="Name of the stream whose records become contacts.",
    ),
    th.Property(
        "checkout_stream",
        th.StringType,
        default="abandoned_checkouts",
        title="Checkout stream",
        description="Name of the stream whose records become checkouts.",
    ),
    th.Property(
        "consent_stream",
        th.StringType,
        default="customer_consents",
        title="Consent stream",
        description="Name of the stream that lists the consent of every customer that exists.",
    ),
    th.Property(
        "import_checkouts",
        th.BooleanType,
        default=True,
        title="Import checkouts",
        description="False skips the checkout stream and says so; its bookmark stays where it was.",
    ),
    th.Property(
        "primary_key",
        th.StringType,
        default=USER_CODE,
        title="Primary key",
        description="The field that decides which contact a record belongs to: user_code, or one contact field. "
        "For a new database; `contactdb keys` changes it later.",
    ),
    th.Property(
        "unique_fields",
        th.ArrayType(th.StringType),
        title="Unique fields",
        description="Contact fields of which no two contacts may hold the same value. For a new database; "
        "`contactdb keys` changes them later.",
    ),
    th.Property(
        "contact_fields",
        th.ArrayType(_CONTACT_FIELD),
        title="Contact fields",
        description="Fields of your own: a list of name, type, and optionally label and choices.",
    ),
    th.Property(
        "mappings",
        th.ArrayType(_MAPPING),
        title="Field mappings",
        description="List of source, field, update and when_empty. Empty = every field under its own name.",
    ),
    th.Property(
        "unsubscription_causes",
        th.ArrayType(th.StringType),
        title="Unsubscription causes",
        description="The list of causes. Every cause that an option names must be in it.",
    ),
    th.Property(
        "timezone",
        th.StringType,
        default="UTC",
        title="Time zone",
        description="The shop's time zone, such as Europe/Berlin: a date in a filter or a segment begins at midnight "
        "there.",
    ),
    th.Property(
        "options",
        _OPTIONS,
        title="Options",
        description="Import filters and consent rules: an object of the options in the table.",
    ),
    th.Property(
        "dry_run",
        th.BooleanType,
        default=False,
        title="Dry run",
        description="True does everything but commit: the log says what would have happened, and no bookmark moves.",
    ),
).to_dict()
