-- Both reports count every checkout and its value once, in all and by what became of it.
-- A warning only: what arrives between a report and this test is no error.
{{ config(severity='warn') }}
{%- set reports = ['abandoned_value_by_day', 'abandoned_value_by_age'] %}
with counted as (
    {%- for report in reports %}
    select
        '{{ report }}' as report,
        coalesce(sum(checkouts), 0) as checkouts,
        coalesce(sum(completed + ordered_since + still_open), 0) as outcomes,
        coalesce(sum(value), 0) as value,
        coalesce(sum(completed_value + ordered_since_value + open_value), 0) as outcome_values
    from {{ ref(report) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

wanted as (
    select count(*) as checkouts, coalesce(sum(total_price), 0) as value
    from {{ source('contact_database', 'checkouts') }}
)

select counted.*
from counted
cross join wanted
where counted.checkouts <> wanted.checkouts
    or counted.outcomes <> wanted.checkouts
    or abs(counted.value - wanted.value) > 0.00005
    or abs(counted.outcome_values - wanted.value) > 0.00005
