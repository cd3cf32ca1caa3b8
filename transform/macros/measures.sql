{# Numbers that come out the same on both engines, digit for digit. #}

{# How many rows of the group meet a condition. #}
{% macro count_where(condition) %}cast(sum(case when {{ condition }} then 1 else 0 end) as bigint){% endmacro %}

{# The sum of whole numbers. PostgreSQL would make it a decimal. #}
{% macro total(number) %}cast(sum({{ number }}) as bigint){% endmacro %}

{# The sum of amounts of money. SQLite adds in floating point: rounding gives back the four decimals. #}
{% macro amount_where(amount, condition='true') %}round(sum(case when {{ condition }} then {{ amount }} else 0 end), 4){% endmacro %}

{# Part of whole in per cent, with two decimals, half rounded up; null without a whole. Reckoned in whole numbers. #}
{% macro percentage(part, whole) %}
case when {{ whole }} > 0 then ((2 * 10000 * {{ part }} + {{ whole }}) / (2 * {{ whole }})) / 100.0 end
{% endmacro %}
