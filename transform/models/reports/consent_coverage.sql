{#- Of how many contacts with an address there is consent, by channel, country and locale. -#}
select
    channels.channel,
    contacts.country_code,
    contacts.locale,
    count(*) as contacts,
    {{ count_where("has_address = 'yes'") }} as with_address,
    {{ count_where("has_address = 'yes' and status = 'subscribed'") }} as subscribed,
    {{ count_where("has_address = 'yes' and status = 'unsubscribed'") }} as unsubscribed,
    {{ count_where("reach = 'contactable'") }} as contactable,
    {{ percentage(
        count_where("has_address = 'yes' and status = 'subscribed'"), count_where("has_address = 'yes'")
    ) }} as subscribed_percentage
from {{ ref('stg_contact_channels') }} as channels
join {{ ref('stg_contacts') }} as contacts on contacts.contact_id = channels.contact_id
group by channels.channel, contacts.country_code, contacts.locale
