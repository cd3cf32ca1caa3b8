{#- Who may be written to, by channel; and why the others may not. -#}
select
    channel,
    count(*) as contacts,
    {{ count_where("reach = 'without address'") }} as without_address,
    {{ count_where("reach = 'unsubscribed by import'") }} as unsubscribed_by_import,
    {{ count_where("reach = 'unsubscribed by person'") }} as unsubscribed_by_person,
    {{ count_where("reach = 'protected'") }} as protected,
    {{ count_where("reach = 'suppressed'") }} as suppressed,
    {{ count_where("reach = 'contactable'") }} as contactable,
    {{ percentage(count_where("reach = 'contactable'"), 'count(*)') }} as contactable_percentage
from {{ ref('stg_contact_channels') }}
group by channel
