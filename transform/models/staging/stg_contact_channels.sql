{#- A contact on one channel: its status, and whether it may be written to, as `contactdb may` says. -#}
{% for channel in ['email', 'sms'] %}
select
    contacts.contact_id,
    '{{ channel }}' as channel,
    contacts.{{ channel }}_status as status,
    case when contacts.{{ channel }}_address_hash is null then 'no' else 'yes' end as has_address,
    case
        when contacts.{{ channel }}_status = 'unsubscribed' then
            case contacts.{{ channel }}_status_source
                when 'import' then 'unsubscribed by import'
                when 'protected' then 'protected'
                else 'unsubscribed by person'
            end
        when contacts.{{ channel }}_status <> 'subscribed' or contacts.{{ channel }}_address_hash is null
            then 'without address'
        when closed.address_hash is not null then 'suppressed'
        else 'contactable'
    end as reach
from {{ source('contact_database', 'contacts') }} as contacts
left join {{ source('contact_database', 'suppressions') }} as closed
    on closed.channel = '{{ channel }}'
    and closed.address_hash = contacts.{{ channel }}_address_hash
    and closed.lifted_at is null
{% if not loop.last %}union all{% endif %}
{% endfor %}
