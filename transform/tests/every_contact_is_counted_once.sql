-- Each channel counts every contact once: by status, and in all.
select channel, sum(contacts) as counted
from {{ ref('contactable_audience') }}
group by channel
having sum(contacts) <> (select count(*) from {{ source('contact_database', 'contacts') }})
    or sum(contacts) <> sum(subscribed + unsubscribed + without_address)
    or sum(contactable) > sum(subscribed)
