import pytest

from tap_shopify_contacts.values import instant


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00Z"),
        ("2026-11-01T12:00:00.999999Z", "2026-11-01T12:00:00Z"),
        ("2026-11-01T14:00:00+02:00", "2026-11-01T12:00:00Z"),
        ("2026-11-01T12:00:00", "2026-11-01T12:00:00Z"),
        ("2026-11-01", "2026-11-01T00:00:00Z"),
    ],
)
def test_every_time_is_written_in_one_form(text, written):
    assert instant(text) == written


def test_what_is_not_a_time_is_refused():
    with pytest.raises(ValueError, match="isoformat"):
        instant("yesterday")
