{#- Who may be written to, by channel and country. May be written to: subscribed, and the address is not suppressed. -#}
{% for channel in ['email', 'sms'] %}
select
    '{{ channel }}' as channel,
    {{ contact_field('country_code', 'unknown') }} as country_code,
    count(*) as contacts,
    sum(case when {{ channel }}_status = 'subscribed' then 1 else 0 end) as subscribed,
    sum(case when {{ channel }}_status = 'unsubscribed' then 1 else 0 end) as unsubscribed,
    sum(case when {{ channel }}_status = 'none' then 1 else 0 end) as without_address,
    sum(case when {{ channel }}_status = 'subscribed' and suppressed.address_hash is null then 1 else 0 end) as contactable
from {{ source('contact_database', 'contacts') }} as contacts
left join {{ source('contact_database', 'suppressions') }} as suppressed
    on suppressed.channel = '{{ channel }}'
    and suppressed.address_hash = contacts.{{ channel }}_address_hash
    and suppressed.lifted_at is null
group by {{ contact_field('country_code', 'unknown') }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
