{#- How the imports went, by day (UTC), shop and kind. -#}
select
    {{ day_of('started_at') }} as day,
    shop,
    kind,
    count(*) as imports,
    sum(case when state in ('completed', 'completed with rejections') then 1 else 0 end) as completed,
    sum(case when state in ('failed', 'interrupted', 'stopped') then 1 else 0 end) as not_completed,
    sum(records_read) as records_read,
    sum(inserted) as inserted,
    sum(updated) as updated,
    sum(rejected) as rejected,
    sum(unsubscribed) as unsubscribed,
    max(bookmark) as read_up_to
from {{ source('contact_database', 'operations') }}
group by {{ day_of('started_at') }}, shop, kind
