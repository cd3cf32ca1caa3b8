{# How old the sources are, on SQLite: dbt wants moments, and SQLite, which keeps them as text, answers with text. #}
{% macro sqlite__collect_freshness_custom_sql(source, loaded_at_query) %}
  {%- call statement('freshness', fetch_result=True, auto_begin=False) -%}
    select ({{ loaded_at_query }}), {{ current_timestamp() }}
  {%- endcall -%}
  {%- set answer = load_result('freshness') -%}
  {%- set moments = [] -%}
  {%- for text in answer.data[0] -%}
    {%- do moments.append(modules.datetime.datetime.fromisoformat(text) if text else none) -%}
  {%- endfor -%}
  {{ return(namespace(response=answer.response, table=[moments])) }}
{% endmacro %}
