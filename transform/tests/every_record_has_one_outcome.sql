-- The outcomes of a day's records add up to what was read.
select day, shop, kind
from {{ ref('import_health') }}
where records_read <> inserted + updated + unchanged + discarded + rejected + superseded + suppressed + erased
