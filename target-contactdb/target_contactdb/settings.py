"""The settings of the target: their JSON schema, and the checked values that the rest of the program uses."""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass

from singer_sdk import typing as th

from target_contactdb.causes import DEFAULT_CAUSES, DEFAULT_PROTECTED, FIXED_CAUSES, NO_CONSENT
from target_contactdb.consent import Resubscribe
from target_contactdb.consent_values import Policy
from target_contactdb.errors import ConfigError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.mapping import FieldMapping, Update, WhenEmpty, check_names
from target_contactdb.records import content_hash

if t.TYPE_CHECKING:
    from collections.abc import Mapping

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
    th.Property("update_existing", th.BooleanType),
    th.Property("unsubscribe_no_consent", th.CustomType({"type": ["string", "null"]})),
    th.Property("resubscribe", th.StringType(allowed_values=[rule.value for rule in Resubscribe])),
    th.Property("protected_causes", th.ArrayType(th.StringType)),
    th.Property("min_opt_in_level", th.StringType(allowed_values=["single", "confirmed"])),
)

CONFIG_JSONSCHEMA: t.Final = th.PropertiesList(
    th.Property(
        "sqlalchemy_url",
        th.StringType,
        secret=True,
        default="sqlite:///contacts.db",
        title="SQLAlchemy URL",
        description="URL of the contact database: SQLite or PostgreSQL (postgresql+psycopg://...).",
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
        description="False imports nothing: one paused operation is logged and no bookmark moves.",
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
        "import_checkouts",
        th.BooleanType,
        default=True,
        title="Import checkouts",
        description="False skips the checkout stream and says so; no bookmark moves.",
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
        "options",
        _OPTIONS,
        title="Options",
        description="Consent rules: update_existing, unsubscribe_no_consent, resubscribe, protected_causes, "
        "min_opt_in_level.",
    ),
).to_dict()


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of one run."""

    sqlalchemy_url: str
    default_target_schema: str | None
    enable_import: bool
    contact_stream: str
    checkout_stream: str
    import_checkouts: bool
    contact_fields: tuple[ContactField, ...]
    mappings: tuple[FieldMapping, ...]
    unsubscription_causes: tuple[str, ...]
    policy: Policy

    @property
    def mapping_fingerprint(self) -> str:
        """Hash of all that decides what a record's fields become."""
        return content_hash(repr(self.contact_fields), repr(self.mappings))

    @property
    def options_fingerprint(self) -> str:
        """Hash of the consent options: when it changes, everyone is decided again."""
        policy = self.policy
        return content_hash(
            policy.no_consent_cause,
            policy.resubscribe.value,
            sorted(policy.protected_causes),
            policy.confirmed_only,
            policy.update_existing,
        )

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what a record becomes, for the log."""
        return content_hash(self.mapping_fingerprint, self.options_fingerprint)


def read_settings(config: Mapping[str, t.Any]) -> Settings:
    """Check a configuration.

    Raises:
        ConfigError: It lists every problem at once.
    """
    problems: list[str] = []
    url = str(config.get("sqlalchemy_url") or "").strip()
    if not url:
        problems.append("setting `sqlalchemy_url` is blank: set TARGET_CONTACTDB_SQLALCHEMY_URL")
    for name in ("contact_stream", "checkout_stream"):
        if not str(config.get(name) or "").strip():
            problems.append(f"setting `{name}` is blank")
    options = config.get("options") or {}
    causes = tuple(config.get("unsubscription_causes") or DEFAULT_CAUSES)
    problems += _unknown_options(options)
    policy = _policy(options, causes, problems)
    fields = tuple(
        ContactField(
            item["name"], FieldType(item["type"]), item.get("label") or item["name"], tuple(item.get("choices") or ())
        )
        for item in config.get("contact_fields") or ()
    )
    problems += check_names(fields)
    mappings = tuple(
        FieldMapping(
            item["source"],
            item["field"],
            Update(item.get("update", Update.ALWAYS)),
            WhenEmpty(item.get("when_empty", WhenEmpty.CLEAR)),
        )
        for item in config.get("mappings") or ()
    )
    if problems:
        raise ConfigError(problems)
    return Settings(
        sqlalchemy_url=url,
        default_target_schema=config.get("default_target_schema") or None,
        enable_import=config.get("enable_import", True),
        contact_stream=config["contact_stream"],
        checkout_stream=config["checkout_stream"],
        import_checkouts=config.get("import_checkouts", True),
        contact_fields=fields,
        mappings=mappings,
        unsubscription_causes=causes,
        policy=policy,
    )


def _unknown_options(options: Mapping[str, t.Any]) -> list[str]:
    known = list(CONFIG_JSONSCHEMA["properties"]["options"]["properties"])
    problems = []
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(f'`{one}`' for one in known)}"
            problems.append(f"setting `options` has no option `{name}`; {hint}")
    return problems


def _policy(options: Mapping[str, t.Any], causes: tuple[str, ...], problems: list[str]) -> Policy:
    no_consent = options.get("unsubscribe_no_consent", NO_CONSENT)
    protected = options.get("protected_causes", list(DEFAULT_PROTECTED))
    needed = {f"options.protected_causes `{cause}`": cause for cause in protected}
    if no_consent is not None:
        needed["options.unsubscribe_no_consent"] = no_consent
    needed |= {f"the state table's `{cause}`": cause for cause in FIXED_CAUSES.values()}
    problems += [
        f"setting `unsubscription_causes` lacks `{cause}`, which {where} names"
        for where, cause in needed.items()
        if cause not in causes
    ]
    return Policy(
        no_consent_cause=no_consent,
        resubscribe=Resubscribe(options.get("resubscribe", Resubscribe.IF_NEWER)),
        protected_causes=frozenset(protected),
        confirmed_only=options.get("min_opt_in_level", "single") == "confirmed",
        update_existing=options.get("update_existing", True),
    )
