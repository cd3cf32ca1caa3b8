"""Static errors in Shopify's words: what is wrong with a document or its variables before anything runs.

Texts and codes are those of recorded answers; rules without a recorded text keep the words of graphql-core.
"""

from __future__ import annotations

import re
import typing as t

from graphql import (
    ArgumentNode,
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NamedTypeNode,
    Node,
    OperationDefinitionNode,
    Undefined,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    print_ast,
    specified_rules,
    validate,
    value_from_ast,
)
from graphql.validation import (
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    KnownDirectivesRule,
    KnownTypeNamesRule,
    NoUnusedVariablesRule,
    ProvidedRequiredArgumentsRule,
    ScalarLeafsRule,
    ValuesOfCorrectTypeRule,
)

Formatted: t.TypeAlias = dict[str, t.Any]

GID = re.compile(r"gid://shopify/\w+/.+")
_REPLACED = {
    FieldsOnCorrectTypeRule, KnownArgumentNamesRule, KnownDirectivesRule, KnownTypeNamesRule, NoUnusedVariablesRule,
    ProvidedRequiredArgumentsRule, ScalarLeafsRule, ValuesOfCorrectTypeRule,
}  # fmt: skip


def syntax_error(error: GraphQLSyntaxError) -> Formatted:
    """A document that cannot be parsed."""
    line, column = (error.locations[0].line, error.locations[0].column) if error.locations else (1, 1)
    detail = error.message.removeprefix("Syntax Error: ").rstrip(".")
    detail = "unexpected end of file" if "<EOF>" in detail else detail[:1].lower() + detail[1:]
    return {
        "message": f"syntax error, {detail} at [{line}, {column}]",
        "locations": [{"line": line, "column": column}],
        "extensions": {"code": "PARSE_ERROR"},
    }


def static_errors(schema: GraphQLSchema, document: DocumentNode) -> list[Formatted]:
    """Everything that is wrong with a document, in the order of its text."""
    rules: list[type[ASTValidationRule]] = [ShopifyRule, *(rule for rule in specified_rules if rule not in _REPLACED)]
    return [_formatted(error) for error in validate(schema, document, rules)]


def _formatted(error: GraphQLError) -> Formatted:
    extensions = dict(error.extensions or {})
    path = extensions.pop("path", None)
    formatted: Formatted = {
        "message": error.message,
        "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
    }
    if path:
        formatted["path"] = path
    if extensions:
        formatted["extensions"] = extensions
    return formatted


def _path(ancestors: list[t.Any], node: Node) -> list[str]:
    """The way to a node: the operation as one string, then field names."""
    path = []
    for step in (*ancestors, node):
        if isinstance(step, OperationDefinitionNode):
            path.append(f"{step.operation.value} {step.name.value}" if step.name else step.operation.value)
        elif isinstance(step, FragmentDefinitionNode):
            path.append(f"fragment {step.name.value}")
        elif isinstance(step, InlineFragmentNode):
            path.append(f"... on {step.type_condition.name.value}" if step.type_condition else "...")
        elif isinstance(step, FieldNode):
            path.append(step.alias.value if step.alias else step.name.value)
    return path


class ShopifyRule(ValidationRule):
    """The rules whose errors Shopify words in its own way."""

    context: ValidationContext

    def _tell(self, node: Node, ancestors: list[t.Any], code: str, message: str, *path: str, **extra: t.Any) -> None:
        extensions = {"code": code, **extra, "path": [*_path(ancestors, node), *path]}
        self.report_error(GraphQLError(message, node, extensions=extensions))

    def enter_field(self, node: FieldNode, _key: t.Any, _parent: t.Any, _path: t.Any, ancestors: list[t.Any]) -> t.Any:
        """Unknown fields, unknown and missing arguments, selections where none or some are due."""
        owner, definition = self.context.get_parent_type(), self.context.get_field_def()
        name = node.name.value
        if owner is None:
            return None
        if definition is None:
            message = f"Field '{name}' doesn't exist on type '{owner.name}'"
            self._tell(node, ancestors, "undefinedField", message, typeName=owner.name, fieldName=name)
            return self.SKIP
        self._selection(node, ancestors, get_named_type(definition.type))
        given = {argument.name.value for argument in node.arguments or ()}
        missing = [key for key, arg in definition.args.items() if is_required_argument(arg) and key not in given]
        if missing:
            names = ", ".join(missing)
            message = f"Field '{name}' is missing required arguments: {names}"
            self._tell(
                node, ancestors, "missingRequiredArguments", message, className="Field", name=name, arguments=names
            )
        for argument in node.arguments or ():
            self._argument(node, argument, definition.args, ancestors)
        return None

    def _selection(self, node: FieldNode, ancestors: list[t.Any], kind: t.Any) -> None:
        name, extra = node.name.value, {"nodeName": f"field '{node.name.value}'", "typeName": kind.name}
        if is_leaf_type(kind) and node.selection_set:
            chosen = [print_ast(selection).split()[0] for selection in node.selection_set.selections]
            quoted = ", ".join(f'"{field}"' for field in chosen)
            returned = f"field '{name}' returns {kind.name} but has selections [{quoted}]"
            message = f"Selections can't be made on scalars ({returned})"
            self._tell(node, ancestors, "selectionMismatch", message, **extra)
        elif not is_leaf_type(kind) and not node.selection_set:
            message = (
                f"Field must have selections (field '{name}' returns {kind.name} but has no selections. "
                f"Did you mean '{name} {{ ... }}'?)"
            )
            self._tell(node, ancestors, "selectionMismatch", message, **extra)

    def _argument(
        self, node: FieldNode, argument: ArgumentNode, known: dict[str, t.Any], ancestors: list[t.Any]
    ) -> None:
        field, name = node.name.value, argument.name.value
        if name not in known:
            message = f"Field '{field}' doesn't accept argument '{name}'"
            self._tell(
                node, ancestors, "argumentNotAccepted", message, name, name=field, typeName="Field", argumentName=name
            )
            return
        kind = get_named_type(known[name].type)
        if isinstance(argument.value, VariableNode):
            return
        value = value_from_ast(argument.value, known[name].type)
        if value is Undefined:
            text = print_ast(argument.value)
            expected = known[name].type
            message = f"Argument '{name}' on Field '{field}' has an invalid value ({text}). Expected type '{expected}'."
            self._tell(
                node, ancestors, "argumentLiteralsIncompatible", message, name, typeName="Field", argumentName=name
            )
        elif kind.name == "ID" and isinstance(value, str) and not GID.fullmatch(value):
            message = f"Invalid global id '{value}'"
            self._tell(node, ancestors, "argumentLiteralsIncompatible", message, name, typeName="CoercionError")

    def enter_named_type(
        self, node: NamedTypeNode, _key: t.Any, parent: t.Any, _path: t.Any, ancestors: list[t.Any]
    ) -> None:
        """Types that do not exist."""
        name = node.name.value
        if name not in self.context.schema.type_map:
            message = f"No such type {name}, so it can't be a fragment condition"
            self._tell(node, [*ancestors, parent], "undefinedType", message, typeName=name)

    def enter_directive(
        self, node: DirectiveNode, _key: t.Any, _parent: t.Any, _path: t.Any, ancestors: list[t.Any]
    ) -> None:
        """Directives that do not exist."""
        name = node.name.value
        if name not in {directive.name for directive in self.context.schema.directives}:
            self._tell(node, ancestors, "undefinedDirective", f"Directive @{name} is not defined", directiveName=name)

    def leave_operation_definition(
        self, node: OperationDefinitionNode, _key: t.Any, _parent: t.Any, _path: t.Any, ancestors: list[t.Any]
    ) -> None:
        """Variables that are declared and not used."""
        used = {usage.node.name.value for usage in self.context.get_recursive_variable_usages(node)}
        operation = node.name.value if node.name else f"anonymous {node.operation.value}"
        for definition in node.variable_definitions or ():
            name = definition.variable.name.value
            if name not in used:
                message = f"Variable ${name} is declared by {operation} but not used"
                self._tell(node, ancestors, "variableNotUsed", message, variableName=name)
