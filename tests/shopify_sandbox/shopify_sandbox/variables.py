"""The variables of a request: their values, or what is wrong with them in Shopify's words. Pure."""

from __future__ import annotations

import typing as t

from graphql import (
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    coerce_input_value,
    get_named_type,
    is_enum_type,
    is_non_null_type,
    print_ast,
    type_from_ast,
    value_from_ast,
)

from shopify_sandbox.validation import GID, Formatted


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, t.Any]
) -> tuple[dict[str, t.Any], list[Formatted]]:
    """The values of an operation's variables, and the errors of those that are refused."""
    values: dict[str, t.Any] = {}
    refused: list[Formatted] = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind: t.Any = type_from_ast(schema, definition.type)
        if name not in given:
            if definition.default_value is not None:
                values[name] = value_from_ast(definition.default_value, kind)
                continue
            if not is_non_null_type(kind):
                continue
        value = given.get(name)
        problems = _problems(kind, value, values, name)
        if problems:
            refused.append(_refusal(definition, value, problems))
    return values, refused


def _problems(kind: t.Any, value: t.Any, values: dict[str, t.Any], name: str) -> list[Formatted]:
    if value is None and is_non_null_type(kind):
        return [{"path": [], "explanation": "Expected value to not be null"}]
    named = get_named_type(kind)
    coerced = coerce_input_value(value, kind)
    if coerced is Undefined and is_enum_type(named):
        explanation = f'Expected "{value}" to be one of: {", ".join(t.cast("t.Any", named).values)}'
        return [{"path": [], "explanation": explanation}]
    if coerced is Undefined:
        return [{"path": [], "explanation": f"Could not coerce value {_shown(value)} to {named.name}"}]
    if named.name == "ID" and isinstance(value, str) and not GID.fullmatch(value):
        explanation = f"Invalid global id '{value}'"
        return [{"path": [], "explanation": explanation, "message": explanation}]
    values[name] = coerced
    return []


def _shown(value: t.Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _refusal(definition: t.Any, value: t.Any, problems: list[Formatted]) -> Formatted:
    name, kind = definition.variable.name.value, print_ast(definition.type)
    location = definition.loc.start_token
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value",
        "locations": [{"line": location.line, "column": location.column}],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": problems},
    }
