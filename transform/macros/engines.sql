{# What SQLite and PostgreSQL say differently. SQLite keeps moments as text, in UTC. #}

{# The day of a moment, UTC, as the engine keeps days. A plain cast gives a year's number on SQLite, which has no dates. #}
{% macro day_of(moment) %}{{ return(adapter.dispatch('day_of')(moment)) }}{% endmacro %}

{% macro default__day_of(moment) %}cast(cast({{ moment }} as timestamp with time zone) at time zone 'UTC' as date){% endmacro %}

{# Newer versions of SQLite round the last half millisecond of a day up to the next day. #}
{% macro sqlite__day_of(moment) %}date(substr({{ moment }}, 1, 10)){% endmacro %}

{# A moment in whole seconds since 1970. #}
{% macro seconds_of(moment) %}{{ return(adapter.dispatch('seconds_of')(moment)) }}{% endmacro %}

{% macro default__seconds_of(moment) %}cast(floor(extract(epoch from {{ moment }})) as bigint){% endmacro %}

{% macro sqlite__seconds_of(moment) %}cast(strftime('%s', substr({{ moment }}, 1, 19)) as bigint){% endmacro %}

{# Texts as a list of SQL; never an empty one, which SQL has not. #}
{% macro text_list(texts) -%}
  {%- for text in texts %}{{ dbt.string_literal(dbt.escape_single_quotes(text)) }}, {% endfor %}''
{%- endmacro %}
