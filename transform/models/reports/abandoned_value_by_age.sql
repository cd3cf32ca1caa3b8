{#- What lies in checkouts and what came back, by their age, shop and currency. -#}
{%- set hour, day = 3600, 86400 %}
with aged as (
    select
        *,
        case
            when age_seconds < {{ hour }} then 0
            when age_seconds < {{ day }} then 1
            when age_seconds < {{ 3 * day }} then 24
            when age_seconds < {{ 7 * day }} then 72
            when age_seconds < {{ 30 * day }} then 168
            when age_seconds < {{ 90 * day }} then 720
            else 2160
        end as age_from_hours
    from {{ ref('stg_checkouts') }}
)

select
    age_from_hours,
    case age_from_hours
        when 0 then 'under 1 hour'
        when 1 then '1 to 24 hours'
        when 24 then '1 to 3 days'
        when 72 then '3 to 7 days'
        when 168 then '7 to 30 days'
        when 720 then '30 to 90 days'
        else '90 days and more'
    end as age,
    shop,
    currency,
    {{ recovery_columns() }}
from aged
group by age_from_hours, shop, currency
