{#- What was left in checkouts and what came back, by the day that they were begun, shop and currency. -#}
select
    day,
    shop,
    currency,
    {{ recovery_columns() }},
    {{ count_where('seconds_to_completion < 3600') }} as completed_within_an_hour,
    {{ count_where('seconds_to_completion < 86400') }} as completed_within_a_day,
    {{ count_where('seconds_to_completion < 7 * 86400') }} as completed_within_a_week
from {{ ref('stg_checkouts') }}
group by day, shop, currency
