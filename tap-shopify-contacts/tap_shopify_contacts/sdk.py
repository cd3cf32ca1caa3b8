"""What this tap changes of the SDK, all in one place, each with its reason."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import typing as t
from functools import cached_property

import click
from singer_sdk import Stream, Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.streams._state import StreamStateManager
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_shopify_contacts.checks import read_config_file
from tap_shopify_contacts.compiled import Record, as_dict
from tap_shopify_contacts.errors import ConfigError, TapError
from tap_shopify_contacts.settings import Settings, is_blank
from tap_shopify_contacts.writer import PageWriter

if t.TYPE_CHECKING:
    from types import FrameType

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.metrics import Counter

_ENDING = "Stopped; the imports that follow in this run are not started."
_ENVIRONMENT = "ENV"
_SDK_FAILURE_LINE = "An unhandled error occurred while syncing"


class Terminated(SystemExit):
    """The process was told to stop. Its exit code is not zero, so that nothing takes the run for complete."""

    def __init__(self, signum: int) -> None:
        """Take the exit code that shells give to a process ended by a signal."""
        super().__init__(128 + signum)
        self.name = signal.Signals(signum).name


class PlainCommand(SingerCommand):
    """Tells a failure in one line. The SDK's command shows a traceback, or lines that quote the values of settings."""

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # `--test` and `--discover` do their work while the options are read: no run is there to be stopped.
        try:
            return super().parse_args(ctx, args)
        except TapError as error:
            self.logger.critical("%s", error)
            ctx.exit(1)

    @override
    def main(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return super().main(*args, **kwargs)
        except TapError as error:
            self.logger.critical("%s %s", error, _ENDING)
            sys.exit(1)
        except Terminated as stop:
            self.logger.critical("Told to stop by %s. %s", stop.name, _ENDING)
            raise


class ContactsTap(Tap):
    """A tap with checked settings and a starting state that is known before the first message."""

    settings: Settings | None = None
    """The checked settings; None while discovering with settings that are wrong."""

    @property
    def checked_settings(self) -> Settings:
        """Return the settings of a run.

        Raises:
            ConfigError: If they are wrong; discovery goes without them.
        """
        return self.settings or Settings.from_config(self.config)

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        for option in command.params:
            # So that `--test` knows it, wherever it stands in the command.
            option.is_eager = option.is_eager or option.name == "catalog"
        return PlainCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            context_settings=command.context_settings,
            help=command.help,
            logger=cls.logger,
        )

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        # It would do nothing here: it needs a package that this tap does not install.
        config_jsonschema["properties"].pop("faker_config", None)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        # Private, but the only place: the SDK's own messages quote the values, a token among them. Meltano hands on a
        # variable that is set to nothing as an empty text, which is no value of any setting.
        self._config = {name: value for name, value in self._config.items() if not is_blank(value)}
        try:
            self.settings = Settings.from_config(self.config)
            super()._validate_config(raise_errors=True)
        except (ConfigError, ConfigValidationError) as error:
            problem = error.problem if isinstance(error, ConfigError) else f"{'; '.join(error.errors)}."
            if raise_errors:
                raise ConfigError(problem) from None
            return [problem]
        return []

    @property
    @override
    def _env_var_config(self) -> dict[str, t.Any]:
        # Private, but the only place. The SDK would also read a file .env that it finds near its own code, which need
        # not be the one that Meltano was told to read, and would show a traceback for a number that is none. Its line
        # in the log for each variable would bury the one that counts.
        logging.getLogger(parse_environment_config.__module__).setLevel(logging.WARNING)
        self.append_builtin_config(self.config_jsonschema)
        found: dict[str, t.Any] = {}
        for name, prop in self.config_jsonschema["properties"].items():
            if is_blank(os.environ.get(self._env_var_prefix + name.upper())):
                continue
            try:
                one = {"properties": {name: prop}}
                found |= parse_environment_config(one, self._env_var_prefix, dotenv_path=os.devnull)
            except ValueError:
                raise ConfigError(f"The setting {name} in the environment is not of its type.") from None
        return found

    @override
    def setup_mapper(self) -> None:
        super().setup_mapper()
        if self.settings is None:
            return
        # The SDK's catalogue drops `const`, so each SCHEMA message gets it here. A map's own `shop` stays as it is.
        for entry in self.catalog.streams:
            shop = entry.schema.to_dict()["properties"].get("shop")
            for stream_map in self.mapper.stream_maps[entry.tap_stream_id]:
                schema = stream_map.transformed_schema
                if shop is not None and schema.get("properties", {}).get("shop") == shop:
                    constant = {**shop, "const": self.settings.shop}
                    stream_map.transformed_schema = {
                        **schema,
                        "properties": {**schema["properties"], "shop": constant},
                    }

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> t.Any:
        # The SDK shows a traceback for a file that it cannot read.
        found = super().cb_config(ctx, param, tuple(path for path in value if path == _ENVIRONMENT))
        for path in value:
            found.config |= {} if path == _ENVIRONMENT else read_config_file(path)
        return found

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        # The SDK's own test writes a SCHEMA and a person's record for each stream, and says nothing in the end.
        if value in {CliTestOptionValue.Disabled.value, CliTestOptionValue.Schema.value}:
            super().cb_test(ctx, param, value)
            return
        config, catalog = ctx.params["config"], ctx.params.get("catalog")
        tap = cls(
            config=config.config,
            catalog=None if catalog is None else json.loads(catalog.read()),
            parse_env_config=config.parse_env,
        )
        click.echo(tap.try_out())
        ctx.exit()

    def try_out(self) -> str:
        """Read one record of each selected stream, write nothing, and return what to say about it.

        Raises:
            TapError: What a run would fail with.
        """
        raise NotImplementedError

    @override
    def _reset_state_progress_markers(self) -> None:
        # Private, but the only hook before the SDK writes the starting state: what is wrong with the shop, the token or
        # a scope has to show before that, and the state has to say how far this run will read.
        for stream in self.streams.values():
            if stream.selected and isinstance(stream, WindowedStream):
                stream.open_run()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # Private. The SDK writes a STATE from inside the signal handler, maybe into the middle of another message, and
        # exits with zero, as if all had been read. Each window's STATE is written already.
        raise Terminated(signum)


class WindowBookmarks(StreamStateManager):
    """Leaves the bookmark to the windows. The SDK would move it by record, also where records are in another order."""

    @override
    def increment_state(self, *args: t.Any, **kwargs: t.Any) -> None:
        pass

    @override
    def write_starting_replication_value(self, *args: t.Any, **kwargs: t.Any) -> None:
        pass


class WindowedStream(Stream):
    """A stream that moves its bookmark by windows and tells its failures by exceptions only."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records come typed from the fields' own readers; casting them once more costs more than reading them."""

    def open_run(self) -> None:
        """Find out where this run begins and ends, and put that into the state. Harmless when it is done already."""
        raise NotImplementedError

    def read_one(self) -> bool:
        """Read one record as a run does. Returns whether there was one."""
        raise NotImplementedError

    def emit(self, records: t.Sequence[Record]) -> t.Iterator[dict[str, t.Any]]:
        """Write records at once and yield none, or yield them where the SDK has to see each of them.

        The SDK's own way takes ten times as long as reading a record does. It is needed for stream maps, flattening,
        deselected parts of objects, a limit on the number of records, and a writer that takes messages only.
        """
        writer = self._tap.message_writer
        if isinstance(writer, PageWriter) and not self._needs_each_record:
            writer.write_records(self.name, records, self._stream_version)
            self._counter.increment(len(records))
            self.state_manager.is_flushed = False
        else:
            yield from map(as_dict, records)

    @cached_property
    def _needs_each_record(self) -> bool:
        maps = self.stream_maps
        is_plain = len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled
        parts_deselected = any(not chosen for breadcrumb, chosen in self.mask.items() if len(breadcrumb) > 2)
        return not is_plain or parts_deselected or self.ABORT_AT_RECORD_COUNT is not None

    @override
    def get_record_counter(self, **kwargs: t.Any) -> Counter:
        # Kept, since the SDK counts only what is yielded to it.
        self._counter = super().get_record_counter(**kwargs)
        return self._counter

    @property
    @override
    def state_manager(self) -> StreamStateManager:
        if self._state_manager is None:
            self._state_manager = WindowBookmarks(
                tap_name=self.tap_name, stream_name=self.name, tap_state=self.tap_state
            )
        return self._state_manager

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Open the run before the SCHEMA, also where the SDK syncs a stream alone, as `--test` does."""
        self.open_run()
        self._write_state()

    def _write_state(self) -> None:
        """Write the state, unless it is the one written last."""
        self._tap.state_writer.write_state(self.tap_state)

    @override
    def log(self, message: str, *args: t.Any, level: int = logging.INFO, **kwargs: t.Any) -> None:
        # The command says what failed; the SDK's line before it would be a second one, without the cause.
        if not message.startswith(_SDK_FAILURE_LINE):
            super().log(message, *args, level=level, **kwargs)

    @override
    def get_batch_config(self, config: t.Mapping[str, t.Any]) -> BatchConfig | None:
        # The SDK writes a batch's file after its records were read, so a window's STATE would overtake it.
        return None
