{# What became of a group of abandoned checkouts, in numbers, in value, and in per cent. #}
{% macro recovery_columns() %}
    count(*) as checkouts,
    {{ count_where("outcome = 'completed'") }} as completed,
    {{ count_where("outcome = 'ordered since'") }} as ordered_since,
    {{ count_where("outcome = 'open'") }} as still_open,
    {{ percentage(count_where("outcome <> 'open'"), 'count(*)') }} as recovery_percentage,
    {{ amount_where('value') }} as value,
    {{ amount_where('value', "outcome = 'completed'") }} as completed_value,
    {{ amount_where('value', "outcome = 'ordered since'") }} as ordered_since_value,
    {{ amount_where('value', "outcome = 'open'") }} as open_value
{% endmacro %}
