{# What SQLite and PostgreSQL say differently. #}

{# The day of a moment, UTC, as the engine keeps days. A plain cast gives a number on SQLite, which has no dates. #}
{% macro day_of(moment) %}{{ return(adapter.dispatch('day_of')(moment)) }}{% endmacro %}

{% macro default__day_of(moment) %}cast({{ moment }} at time zone 'UTC' as date){% endmacro %}

{% macro sqlite__day_of(moment) %}date({{ moment }}){% endmacro %}

{# A contact field, or a text where this contact database has no such field: mappings decide which fields exist. #}
{% macro contact_field(name, otherwise) %}
  {%- set ns = namespace(found=false) -%}
  {%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(source('contact_database', 'contacts')) -%}
      {%- if column.name == name -%}{%- set ns.found = true -%}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if ns.found -%}coalesce({{ name }}, '{{ otherwise }}'){%- else -%}'{{ otherwise }}'{%- endif -%}
{% endmacro %}
