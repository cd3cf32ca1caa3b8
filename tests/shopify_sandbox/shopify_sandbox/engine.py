"""One GraphQL request from its text to the body of its answer: checks, cost, execution, errors."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute_sync,
    parse,
    visit,
)

from shopify_sandbox import errors
from shopify_sandbox.context import Context
from shopify_sandbox.costs import QueryCost, query_cost
from shopify_sandbox.projection import NotProjectedError, project_root
from shopify_sandbox.schema import build_schema
from shopify_sandbox.selections import Selections
from shopify_sandbox.stack import with_room
from shopify_sandbox.validation import Formatted, static_errors, syntax_error
from shopify_sandbox.variables import coerce_variables

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from shopify_sandbox.bucket import Bucket
    from shopify_sandbox.faults import Fault

MAX_COST = 1_000
_PREPARED = 256


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document as a version sees it; kept, since a client sends the same one for each page."""

    document: DocumentNode | None
    errors: list[Formatted]
    deprecations: tuple[str, ...]


@dataclass(slots=True)
class Answer:
    """The body of an answer, or the pieces of its bytes, with what its headers and the request log need."""

    body: dict[str, t.Any]
    requested_cost: int | None = None
    actual_cost: int | None = None
    deprecations: tuple[str, ...] = ()
    pieces: list[bytes] | None = None


class _Deprecations(Visitor):
    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self._type_info = type_info
        self.reasons: dict[str, None] = {}

    def enter_field(self, *_: t.Any) -> None:
        definition = self._type_info.get_field_def()
        if definition is not None and definition.deprecation_reason:
            self.reasons[definition.deprecation_reason] = None


class Engine:
    """Answers GraphQL requests of one app against a bucket of points."""

    def __init__(self, bucket: Bucket) -> None:
        """Begin with nothing prepared."""
        self.bucket = bucket
        self._costs: OrderedDict[t.Hashable, QueryCost] = OrderedDict()
        self._prepared: OrderedDict[tuple[str, str], Prepared] = OrderedDict()

    def prepare(self, version: str, text: str) -> Prepared:
        """Parse and check a document, or remember having done so."""
        key = (version, text)
        if key in self._prepared:
            self._prepared.move_to_end(key)
            return self._prepared[key]
        prepared = self._prepared[key] = _prepare(version, text)
        if len(self._prepared) > _PREPARED:
            self._prepared.popitem(last=False)
        return prepared

    def operation_name(self, version: str, text: str) -> str | None:
        """The name of a document's only operation, null when it has none."""
        document = self.prepare(version, text).document
        operation = _operation(document, None) if document is not None else None
        return operation.name.value if operation is not None and operation.name is not None else None

    def answer(
        self,
        text: str,
        variables: dict[str, t.Any],
        operation_name: str | None,
        context: Context,
        faults: Mapping[str, Fault],
    ) -> Answer:
        """Answer one request. Every answer has HTTP status 200, whatever went wrong."""
        if "internal_server_error" in faults:
            return Answer({"errors": [errors.internal_server_error(context.request_id)], "data": None})
        prepared = self.prepare(context.version, text)
        if prepared.errors or prepared.document is None:
            return Answer({"errors": prepared.errors})
        operation = _operation(prepared.document, operation_name)
        if operation is None:
            return Answer({"errors": [{"message": _operation_problem(operation_name)}]})
        identity = (context.version, text, operation_name)
        fast = None if faults or operation.operation is not OperationType.QUERY else context.fast
        if fast is not None and (known := fast.known(identity, variables, context)) is not None:
            page = known.page(variables)
            if page is not None:
                return self._refused(known.cost, faults) or self._from_bytes(*page, known.cost, prepared)
        schema = build_schema(context.version)
        values, refused = coerce_variables(schema, operation, variables)
        if refused:
            return Answer({"errors": refused})
        cost = self._cost_of(context.version, text, operation_name, prepared.document, operation, values)
        if (answer := self._refused(cost, faults)) is not None:
            return answer
        if fast is not None:
            selections = Selections.of(schema, prepared.document, values)
            made = fast.list(identity, selections, operation, values, cost, context)
            if made is not None and (page := made.page(values)) is not None:
                return self._from_bytes(*page, cost, prepared)
        return self._run(prepared, operation_name, variables, values, cost, context)

    def _refused(self, cost: QueryCost, faults: Mapping[str, Fault]) -> Answer | None:
        """The answer to a request that costs too much, ever or now; else its points are taken."""
        if cost.requested > MAX_COST:
            return Answer({"errors": [errors.max_cost_exceeded(cost.requested, MAX_COST)]}, cost.requested)
        if "throttled" not in faults and self.bucket.take(cost.requested):
            return None
        status = self.bucket.status()
        if "throttled" in faults:
            status["currentlyAvailable"] = min(status["currentlyAvailable"], max(cost.requested - 1, 0))
        extensions = {"cost": _cost(cost.requested, None, status)}
        return Answer({"errors": [errors.throttled()], "extensions": extensions}, cost.requested)

    def _cost_of(
        self,
        version: str,
        text: str,
        name: str | None,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        values: dict[str, t.Any],
    ) -> QueryCost:
        """The cost of an operation, which depends on no variables but numbers and booleans; remembered."""
        sizes = frozenset((key, value) for key, value in values.items() if isinstance(value, int))
        key = (version, text, name, sizes)
        if key not in self._costs:
            self._costs[key] = query_cost(build_schema(version), document, operation, values)
            if len(self._costs) > _PREPARED:
                self._costs.popitem(last=False)
        return self._costs[key]

    def _from_bytes(self, data: list[bytes], actual: int, cost: QueryCost, prepared: Prepared) -> Answer:
        """An answer whose data is encoded already."""
        self.bucket.give_back(cost.requested - actual)
        extensions = {"cost": _cost(cost.requested, actual, self.bucket.status())}
        told = json.dumps(extensions, separators=(",", ":")).encode()
        pieces = [b'{"data":', *data, b',"extensions":%b}' % told]
        return Answer({}, cost.requested, actual, prepared.deprecations, pieces)

    def _run(
        self,
        prepared: Prepared,
        operation_name: str | None,
        variables: dict[str, t.Any],
        values: dict[str, t.Any],
        cost: QueryCost,
        context: Context,
    ) -> Answer:
        data, found = self._execute(prepared, operation_name, variables, values, context)
        actual = cost.actual(data)
        self.bucket.give_back(cost.requested - actual)
        extensions: dict[str, t.Any] = {"cost": _cost(cost.requested, actual, self.bucket.status())}
        if context.warnings:
            extensions["search"] = context.warnings
        body: dict[str, t.Any] = {"data": data, "extensions": extensions}
        if found:
            body = {"errors": [error.formatted for error in found], **body}
        return Answer(body, cost.requested, actual, prepared.deprecations)

    def _execute(
        self,
        prepared: Prepared,
        operation_name: str | None,
        variables: dict[str, t.Any],
        values: dict[str, t.Any],
        context: Context,
    ) -> tuple[dict[str, t.Any] | None, list[GraphQLError]]:
        """The data of an answer, and the errors beside it."""
        schema, document = build_schema(context.version), t.cast("DocumentNode", prepared.document)
        operation = t.cast("OperationDefinitionNode", _operation(document, operation_name))
        if operation.operation is OperationType.QUERY:
            selections = Selections.of(schema, document, values)
            with contextlib.suppress(GraphQLError, NotProjectedError):
                return project_root(selections, selections.root(operation), operation.selection_set)(context), []
            context.warnings.clear()
        run = partial(
            execute_sync,
            schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
        )
        result = with_room(run)
        for error in result.errors or ():
            if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
                # A defect of this program: it must not look like one of the shop's own answers.
                raise error.original_error
        return result.data, result.errors or []


def _prepare(version: str, text: str) -> Prepared:
    schema = build_schema(version)
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return Prepared(None, [syntax_error(error)], ())
    found = static_errors(schema, document)
    if found:
        return Prepared(document, found, ())
    type_info = TypeInfo(schema)
    visitor = _Deprecations(type_info)
    visit(document, TypeInfoVisitor(type_info, visitor))
    return Prepared(document, [], tuple(visitor.reasons))


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name:
        operations = [d for d in operations if d.name is not None and d.name.value == name]
    return operations[0] if len(operations) == 1 else None


def _operation_problem(name: str | None) -> str:
    return f'No operation named "{name}"' if name else "An operation name is required"


def _cost(requested: int, actual: int | None, status: dict[str, int]) -> dict[str, t.Any]:
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
