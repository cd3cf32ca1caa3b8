{#- Every change of a status to unsubscribed, on the day of the act. -#}
select
    change_id,
    {{ day_of('coalesce(acted_at, written_at)') }} as day,
    channel,
    coalesce(cause, 'unknown') as cause,
    source,
    case when "from" = 'subscribed' then 'left' else 'arrived' end as movement,
    -- What a person said. Never having agreed, or a bad address, is a reason and no opt-out.
    case when source in ('person', 'protected') or cause = 'Shopify - opted out' then 'yes' else 'no' end as is_opt_out
from {{ source('contact_database', 'status_changes') }}
where "to" = 'unsubscribed'
