{#- Contacts, with the contact fields that the reports read under names of their own. -#}
select
    contact_id,
    {{ text_field('country') }} as country_code,
    {{ text_field('locale') }} as locale,
    {{ text_field('currency') }} as currency,
    {{ number_field('orders') }} as orders,
    {{ number_field('spent') }} as spent,
    {{ day_field('last_order') }} as last_order_on
from {{ source('contact_database', 'contacts') }}
