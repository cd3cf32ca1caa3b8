{#- How the imports went, by the day (UTC) that they began, shop and kind. -#}
select
    {{ day_of('started_at') }} as day,
    shop,
    kind,
    count(*) as imports,
    {{ count_where("state in ('completed', 'completed with rejections')") }} as completed,
    {{ count_where("state in ('failed', 'interrupted', 'stopped')") }} as not_completed,
    {{ count_where("state = 'paused'") }} as paused,
    {{ total('records_read') }} as records_read,
    {%- for outcome in ['inserted', 'updated', 'unchanged', 'discarded', 'rejected', 'superseded', 'suppressed', 'erased'] %}
    {{ total(outcome) }} as {{ outcome }},
    {%- endfor %}
    {{ percentage(total('rejected'), total('records_read')) }} as rejected_percentage,
    {{ total('subscribed') }} as subscribed,
    {{ total('unsubscribed') }} as unsubscribed,
    {{ total('restored') }} as restored,
    max({{ seconds_of('ended_at') }} - {{ seconds_of('started_at') }}) as longest_seconds,
    max(bookmark) as read_up_to
from {{ source('contact_database', 'operations') }}
group by {{ day_of('started_at') }}, shop, kind
