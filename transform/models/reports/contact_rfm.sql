{#- Recency, frequency and monetary value of every contact who has ordered, each from 1 (lowest fifth) to 5 (highest). -#}
{%- set fifth = '1 + 5 * (rank() over (%s) - 1) / count(*) over (%s)' %}
with buyers as (
    select
        contact_id,
        cast(orders as bigint) as orders,
        coalesce(spent, 0) as spent,
        currency,
        last_order_on
    from {{ ref('stg_contacts') }}
    where orders > 0
    {%- if not (field_column('spent') and field_column('last_order')) %} and 1 = 0{% endif %}
),

-- Equal values share a fifth, which `ntile` would not give them. An order too old for the app to see is the oldest.
quintiles as (
    select
        *,
        {{ fifth % ("order by case when last_order_on is null then 0 else 1 end, last_order_on", "") }} as recency,
        {{ fifth % ("order by orders", "") }} as frequency,
        {{ fifth % ("partition by currency order by spent", "partition by currency") }} as monetary
    from buyers
)

select
    contact_id,
    orders,
    round(spent, 4) as spent,
    currency,
    last_order_on,
    cast(recency as bigint) as recency,
    cast(frequency as bigint) as frequency,
    cast(monetary as bigint) as monetary,
    cast(100 * recency + 10 * frequency + monetary as bigint) as rfm
from quintiles
