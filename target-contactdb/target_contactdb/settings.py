"""The settings of the target: the checked values that the rest of the program uses."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from target_contactdb.causes import (
    CUSTOMER_DELETED,
    DEFAULT_CAUSES,
    DEFAULT_PROTECTED,
    FIXED_CAUSES,
    NO_CONSENT,
    OPTED_OUT,
)
from target_contactdb.conditions.objects import read_objects
from target_contactdb.conditions.times import read_zone
from target_contactdb.conditions.words import nearest
from target_contactdb.consent import Resubscribe
from target_contactdb.consent_values import Policy
from target_contactdb.errors import ConfigError
from target_contactdb.fields import ContactField, FieldType
from target_contactdb.keys import USER_CODE, Keys
from target_contactdb.mapping import FieldMapping, Update, WhenEmpty, check_names
from target_contactdb.records import content_hash
from target_contactdb.settings_schema import CONFIG_JSONSCHEMA
from target_contactdb.status_limit import DEFAULT_LIMIT, Limit, read_limit

if t.TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from target_contactdb.conditions.tree import Condition

# Where, in the fingerprint of the options, the part of the import filters begins.
_FILTERS_FROM: t.Final = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """The checked settings of one run."""

    sqlalchemy_url: str
    default_target_schema: str | None
    enable_import: bool
    contact_stream: str
    checkout_stream: str
    consent_stream: str
    import_checkouts: bool
    dry_run: bool
    keys: Keys
    contact_fields: tuple[ContactField, ...]
    mappings: tuple[FieldMapping, ...]
    unsubscription_causes: tuple[str, ...]
    timezone: ZoneInfo
    import_filters: tuple[Condition, ...]
    policy: Policy
    limit: Limit

    @property
    def mapping_fingerprint(self) -> str:
        """Hash of all that decides what a record's fields become."""
        return content_hash(repr(self.contact_fields), repr(self.mappings))

    @property
    def options_fingerprint(self) -> str:
        """Hash of the consent options and the import filters: when it changes, everyone is decided again."""
        policy = self.policy
        consent = content_hash(
            policy.no_consent_cause,
            policy.resubscribe.value,
            sorted(policy.protected_causes),
            policy.confirmed_only,
            policy.update_existing,
            policy.discarded_cause,
        )
        return consent[:_FILTERS_FROM] + self.filters_fingerprint

    @property
    def filters_fingerprint(self) -> str:
        """Hash of the import filters; the later part of `options_fingerprint`."""
        zone = self.timezone.key if self.import_filters else None
        return content_hash(repr(self.import_filters), zone)[_FILTERS_FROM:]

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides what a record becomes, for the log."""
        return content_hash(self.mapping_fingerprint, self.options_fingerprint)


def read_settings(config: Mapping[str, t.Any], of_the_sdk: Collection[str] = ()) -> Settings:
    """Check a configuration.

    Args:
        config: The settings.
        of_the_sdk: Names of the settings that are the SDK's and are not read here.

    Raises:
        ConfigError: It lists every problem at once.
    """
    problems = _unknown_settings(config, of_the_sdk)
    url = str(config.get("sqlalchemy_url") or "").strip()
    if not url:
        problems.append("setting `sqlalchemy_url` is blank: set TARGET_CONTACTDB_SQLALCHEMY_URL")
    problems += _stream_problems(config)
    options = config.get("options") or {}
    causes = tuple(config.get("unsubscription_causes") or DEFAULT_CAUSES)
    problems += _unknown_options(options)
    policy = _policy(options, causes, problems)
    limit = _limit(options, problems)
    import_filters = read_objects(options.get("import_filters") or (), "options.import_filters", problems)
    timezone = _timezone(config, problems)
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
        consent_stream=config["consent_stream"],
        import_checkouts=config.get("import_checkouts", True),
        dry_run=config.get("dry_run", False),
        keys=Keys(config.get("primary_key") or USER_CODE, tuple(config.get("unique_fields") or ())),
        contact_fields=fields,
        mappings=mappings,
        unsubscription_causes=causes,
        timezone=timezone,
        import_filters=import_filters,
        policy=policy,
        limit=limit,
    )


def _stream_problems(config: Mapping[str, t.Any]) -> list[str]:
    """Return why the streams cannot be told apart: each kind of import needs one of its own."""
    settings_of: dict[str, list[str]] = {}
    for setting in ("contact_stream", "checkout_stream", "consent_stream"):
        settings_of.setdefault(str(config.get(setting) or "").strip(), []).append(f"`{setting}`")
    blank = settings_of.pop("", [])
    return [f"setting {setting} is blank" for setting in blank] + [
        f"settings {' and '.join(settings)} name the same stream `{stream}`: each needs one of its own"
        for stream, settings in settings_of.items()
        if len(settings) > 1
    ]


def _timezone(config: Mapping[str, t.Any], problems: list[str]) -> ZoneInfo:
    try:
        return read_zone(str(config.get("timezone") or "UTC"), "timezone")
    except ConfigError as error:
        problems += error.problems
        return ZoneInfo("UTC")


def _unknown_settings(config: Mapping[str, t.Any], of_the_sdk: Collection[str]) -> list[str]:
    known = dict.fromkeys((*CONFIG_JSONSCHEMA["properties"], *of_the_sdk))
    options = CONFIG_JSONSCHEMA["properties"]["options"]["properties"]
    return [
        f"there is no setting `{name}`" + ("; it belongs in `options`" if name in options else nearest(name, known))
        for name in config
        if name not in known
    ]


def _unknown_options(options: Mapping[str, t.Any]) -> list[str]:
    known = list(CONFIG_JSONSCHEMA["properties"]["options"]["properties"])
    return [f"setting `options` has no option `{name}`{nearest(name, known)}" for name in options if name not in known]


def _limit(options: Mapping[str, t.Any], problems: list[str]) -> Limit:
    try:
        return read_limit(options.get("max_status_changes", DEFAULT_LIMIT))
    except ValueError as error:
        problems.append(f"option `max_status_changes` {error}")
        return read_limit(DEFAULT_LIMIT)


def _policy(options: Mapping[str, t.Any], causes: tuple[str, ...], problems: list[str]) -> Policy:
    no_consent = options.get("unsubscribe_no_consent", NO_CONSENT)
    discarded = options.get("unsubscribe_discarded")
    protected = options.get("protected_causes", list(DEFAULT_PROTECTED))
    needed = {f"options.protected_causes `{cause}`": cause for cause in protected}
    if no_consent is not None:
        needed["options.unsubscribe_no_consent"] = no_consent
    deleted = options.get("unsubscribe_deleted", CUSTOMER_DELETED)
    if deleted is not None:
        needed["options.unsubscribe_deleted"] = deleted
    if discarded is not None:
        needed["options.unsubscribe_discarded"] = discarded
        if discarded in {OPTED_OUT, *protected}:
            # A failed filter is a reason that may pass. These causes say that somebody must not be restored.
            problems.append(
                f"setting `options.unsubscribe_discarded` names `{discarded}`, which stands for an opt-out or a"
                " protected cause: name a cause of its own"
            )
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
        discarded_cause=discarded,
        deleted_cause=deleted,
    )
