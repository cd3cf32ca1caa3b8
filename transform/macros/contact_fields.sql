{# Contact fields: mappings decide which of them a contact database has, and what they are called. #}

{# The column of what the reports call a field, or none where the contact database has no such field. #}
{% macro field_column(field) %}
  {%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(source('contact_database', 'contacts')) -%}
      {%- if column.name == var(field ~ '_field') -%}{{ return(column) }}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}

{# A contact field as text, or 'unknown' where it is empty or missing. #}
{% macro text_field(field) %}
  {%- set column = field_column(field) -%}
  {%- if column -%}coalesce(nullif(trim(cast({{ column.quoted }} as text)), ''), 'unknown'){%- else -%}'unknown'{%- endif -%}
{% endmacro %}

{# A contact field as a number, or null where it is missing. #}
{% macro number_field(field) %}
  {%- set column = field_column(field) -%}
  cast({% if column %}{{ column.quoted }}{% else %}null{% endif %} as numeric)
{%- endmacro %}

{# The day of a contact field, or null where it is missing. #}
{% macro day_field(field) %}
  {%- set column = field_column(field) -%}
  {#- A day is one already. Made a moment, it would be midnight in the zone of the session. -#}
  {%- if column and column.dtype | lower == 'date' -%}{{ column.quoted }}
  {%- else -%}{{ day_of(column.quoted if column else 'null') }}
  {%- endif -%}
{% endmacro %}
