{# Stops a run that has nothing to report on, and tells which contact fields the reports do without. #}
{% macro require_contact_database() %}
  {%- if execute and flags.WHICH in ('build', 'run', 'test', 'freshness') -%}
    {%- set contacts = source('contact_database', 'contacts') -%}
    {%- if adapter.get_relation(contacts.database, contacts.schema, contacts.identifier) is none -%}
      {{ exceptions.raise_compiler_error(no_contact_database()) }}
    {%- endif -%}
    {%- for field, consequence in {
        'country': '`consent_coverage` has one country, unknown',
        'locale': '`consent_coverage` has one locale, unknown',
        'currency': '`contact_rfm` compares the amounts of all contacts, whatever their currency',
        'orders': '`contact_rfm` is empty',
        'spent': '`contact_rfm` is empty',
        'last_order': '`contact_rfm` is empty',
    }.items() -%}
      {%- if not field_column(field) -%}
        {%- set variable = field ~ '_field' -%}
        {{ exceptions.warn('the contact database has no field `' ~ var(variable) ~ '` (variable `' ~ variable ~ '`): ' ~ consequence) }}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{% macro no_contact_database() %}{{ return(adapter.dispatch('no_contact_database')()) }}{% endmacro %}

{% macro default__no_contact_database() %}
  {{ return('there is no contact database in schema `' ~ source('contact_database', 'contacts').schema
    ~ '`: run shopify-sync first, or set DBT_POSTGRES_SOURCE_SCHEMA to the schema that holds it') }}
{% endmacro %}

{% macro sqlite__no_contact_database() %}
  {{ return('there is no contact database in the SQLite file: run shopify-sync first, set DBT_SQLITE_FILE to the file '
    ~ 'that holds it, or, where contacts are in PostgreSQL, run dbt-postgres:build') }}
{% endmacro %}
