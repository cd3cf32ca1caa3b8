"""The documents ask for what is selected, and hold up against each version's schema."""

from datetime import UTC, datetime

import pytest
from graphql import parse, validate

from shopify_sandbox.schema import build_schema
from tap_shopify_contacts.customer_fields import CUSTOMER_FIELDS
from tap_shopify_contacts.documents import CUSTOMERS, more_lines_document, page_document, updated_between
from tap_shopify_contacts.fields import Field
from tap_shopify_contacts.plans import CHECKOUT_STREAM, CUSTOMER_STREAM
from tap_shopify_contacts.settings import API_VERSIONS


def paths_of(fields: tuple[Field, ...], version: str = "2026-10") -> list[str]:
    """Return what the fields ask for."""
    return [path for field in fields for path in field.asked_paths(version)]


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("plan", [CUSTOMER_STREAM, CHECKOUT_STREAM], ids=lambda plan: plan.name)
@pytest.mark.parametrize("probe", [False, True], ids=["page", "probe"])
def test_the_whole_document_is_valid_in_every_version(version, plan, probe):
    document = page_document(plan.connection, paths_of(plan.fields, version), probe=probe)
    assert validate(build_schema(version), parse(document)) == []


@pytest.mark.parametrize("version", [API_VERSIONS[0], API_VERSIONS[-1]])
@pytest.mark.parametrize("plan", [CUSTOMER_STREAM, CHECKOUT_STREAM], ids=lambda plan: plan.name)
def test_the_document_of_each_field_alone_is_valid(version, plan):
    schema = build_schema(version)
    for field in plan.fields:
        paths = ("updatedAt", *field.asked_paths(version))
        assert validate(schema, parse(page_document(plan.connection, paths))) == [], field.name


@pytest.mark.parametrize("version", API_VERSIONS)
def test_the_document_for_more_lines_is_valid(version):
    document = more_lines_document(CHECKOUT_STREAM.connection, paths_of(CHECKOUT_STREAM.fields, version))
    assert validate(build_schema(version), parse(document)) == []


def test_a_document_holds_the_selected_fields_only():
    fields = tuple(
        field for field in CUSTOMER_FIELDS if field.name in {"id", "updated_at", "email", "last_order_total"}
    )
    assert (
        page_document(CUSTOMERS, paths_of(fields))
        == """\
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    edges {
      node {
        legacyResourceId
        updatedAt
        defaultEmailAddress {
          emailAddress
        }
        lastOrder {
          totalPriceSet {
            shopMoney {
              amount
            }
          }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
    )


def test_lines_are_asked_for_only_where_a_field_needs_them():
    head = tuple(field for field in CHECKOUT_STREAM.fields if field.name in {"id", "updated_at"})
    quantity = tuple(field for field in CHECKOUT_STREAM.fields if field.name in {"id", "line_items_quantity"})
    assert (
        page_document(CHECKOUT_STREAM.connection, paths_of(head))
        == """\
query AbandonedCheckouts($first: Int!, $after: String, $query: String) {
  abandonedCheckouts(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {
    edges {
      node {
        id
        updatedAt
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
    )
    assert (
        page_document(CHECKOUT_STREAM.connection, paths_of(quantity), probe=True)
        == """\
query AbandonedCheckoutsProbe($first: Int!, $after: String, $query: String, $lines: Int!) {
  abandonedCheckouts(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {
    edges {
      node {
        id
        lineItems(first: $lines) {
          edges {
            node {
              quantity
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
  shop { myshopifyDomain }
}"""
    )


def test_a_window_is_filtered_by_quoted_times_with_the_end_left_out():
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 31, 12, 30, 5, tzinfo=UTC)
    assert updated_between(start, end) == "updated_at:>='2026-10-01T00:00:00Z' AND updated_at:<'2026-10-31T12:30:05Z'"
    assert updated_between(start) == "updated_at:>='2026-10-01T00:00:00Z'"
