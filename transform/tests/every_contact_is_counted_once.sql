-- Each channel counts every contact once, in all and by what may be done.
-- A warning only: what arrives between a report and this test is no error.
{{ config(severity='warn') }}
with counted as (
    select 'contactable_audience' as report, channel, sum(contacts) as contacts
    from {{ ref('contactable_audience') }}
    group by channel
    union all
    select 'reasons' as report, channel, sum(
        without_address + unsubscribed_by_import + unsubscribed_by_person + protected + suppressed + contactable
    ) as contacts
    from {{ ref('contactable_audience') }}
    group by channel
    union all
    select 'consent_coverage' as report, channel, sum(contacts) as contacts
    from {{ ref('consent_coverage') }}
    group by channel
)

select * from counted where contacts <> (select count(*) from {{ source('contact_database', 'contacts') }})
