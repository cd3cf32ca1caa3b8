{#- Abandoned checkouts: what became of each, and how old it is at the moment that the imports have read up to. -#}
with read_up_to as (
    select shop, max(bookmark) as moment
    from {{ source('contact_database', 'operations') }}
    where kind = 'checkouts'
    group by shop
),

newest_checkout as (
    select shop, max(updated_at) as moment
    from {{ source('contact_database', 'checkouts') }}
    group by shop
),

last_completed as (
    select shop, customer_id, max(completed_at) as moment
    from {{ source('contact_database', 'checkouts') }}
    where completed_at is not null and customer_id is not null
    group by shop, customer_id
)

select
    checkouts.shop,
    checkouts.id as checkout_id,
    {{ day_of('checkouts.created_at') }} as day,
    coalesce(checkouts.currency, 'unknown') as currency,
    coalesce(checkouts.total_price, 0) as value,
    -- The rule of the view `last_checkout`.
    case
        when checkouts.completed_at is not null then 'completed'
        when sources.last_order_at >= checkouts.created_at then 'ordered since'
        when last_completed.moment >= checkouts.created_at then 'ordered since'
        else 'open'
    end as outcome,
    {{ seconds_of('checkouts.completed_at') }} - {{ seconds_of('checkouts.created_at') }} as seconds_to_completion,
    {{ seconds_of('coalesce(read_up_to.moment, newest_checkout.moment)') }} - {{ seconds_of('checkouts.created_at') }}
        as age_seconds
from {{ source('contact_database', 'checkouts') }} as checkouts
join newest_checkout on newest_checkout.shop = checkouts.shop
left join read_up_to on read_up_to.shop = checkouts.shop
left join {{ source('contact_database', 'contact_sources') }} as sources
    on sources.shop = checkouts.shop and sources.customer_id = checkouts.customer_id
left join last_completed
    on last_completed.shop = checkouts.shop and last_completed.customer_id = checkouts.customer_id
