-- No report has two rows of the same group.
{%- set groups = {
    'consent_coverage': 'channel, country_code, locale',
    'opt_outs_by_cause': 'day, channel, cause, source',
    'abandoned_value_by_day': 'day, shop, currency',
    'abandoned_value_by_age': 'age_from_hours, shop, currency',
    'import_health': 'day, shop, kind',
} %}
{% for report, columns in groups.items() -%}
select '{{ report }}' as report
from {{ ref(report) }}
group by {{ columns }}
having count(*) > 1
{% if not loop.last %}union all{% endif %}
{% endfor %}
