{#- Who became unsubscribed, by day, channel, cause and source. -#}
select
    day,
    channel,
    cause,
    source,
    count(*) as unsubscribed,
    {{ count_where("is_opt_out = 'yes'") }} as opt_outs,
    {{ count_where("movement = 'left'") }} as left_subscribed,
    {{ count_where("movement = 'arrived'") }} as arrived_unsubscribed
from {{ ref('stg_unsubscriptions') }}
group by day, channel, cause, source
