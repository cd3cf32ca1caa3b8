-- Neither report has two rows of the same group.
select 'contactable_audience' as report, channel as part
from {{ ref('contactable_audience') }}
group by channel, country_code
having count(*) > 1
union all
select 'import_health' as report, kind as part
from {{ ref('import_health') }}
group by day, shop, kind
having count(*) > 1
