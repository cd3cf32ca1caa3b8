"""The stock that the store's people are made of: names, places, phone numbers that belong to nobody, notes, tags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A town with all that an address needs, its buyers' currency and tax percentage."""

    city: str
    province: str | None
    province_code: str | None
    country: str
    country_code: str
    zip: str
    currency: str
    tax_percent: int
    taxes_included: bool


@dataclass(frozen=True, slots=True)
class Culture:
    """Names that go together, as (shown, form used in an e-mail address), with a locale and places."""

    locale: str
    first: tuple[tuple[str, str], ...]
    last: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    streets: tuple[str, ...]


def _names(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (part.split("=") for part in text.split(", "))
    return tuple((pair[0], pair[-1].lower().replace("'", "").replace("-", "")) for pair in pairs)


GERMAN = Culture(
    "de",
    _names("Anna, Jürgen=Juergen, Björn=Bjoern, Käthe=Kaethe, Lukas, Sophie, Maximilian, Änne=Aenne, Felix, Marie"),
    _names("Müller=Mueller, Groß=Gross, Schmidt, Weiß=Weiss, Köhler=Koehler, Schäfer=Schaefer, von der Heide=Heide"),
    (
        Place("Berlin", "Berlin", "BE", "Germany", "DE", "10115", "EUR", 19, True),
        Place("München", "Bayern", "BY", "Germany", "DE", "80331", "EUR", 19, True),
        Place("Wien", None, None, "Austria", "AT", "1010", "EUR", 20, True),
        Place("Zürich", None, None, "Switzerland", "CH", "8001", "CHF", 8, True),
    ),
    ("Hauptstraße 12", "Am Alten Markt 3a", "Gartenweg 101"),
)
ENGLISH = Culture(
    "en",
    _names("Olivia, Noah, Emma, Liam, Mary Ann=maryann, James, Zoë=Zoe, D'Angelo, Sean, Chloé=Chloe, Wm., Ava"),
    _names("Smith, O'Brien, Jones, Lee, MacDonald, Nguyen, Garcia-Lopez, Brown, Van Dyke=vandyke, Taylor"),
    (
        Place("Springfield", "Illinois", "IL", "United States", "US", "62701", "USD", 8, False),
        Place("Portland", "Oregon", "OR", "United States", "US", "97201", "USD", 0, False),
        Place("Ottawa", "Ontario", "ON", "Canada", "CA", "K1A 0B1", "CAD", 13, False),
        Place("London", "England", "ENG", "United Kingdom", "GB", "EC1A 1AA", "GBP", 20, True),
        Place("Dublin", "Dublin", "D", "Ireland", "IE", "D02 AF30", "EUR", 23, True),
        Place("Melbourne", "Victoria", "VIC", "Australia", "AU", "3000", "AUD", 10, True),
    ),
    ("1 Example Street", "742 Sample Terrace", "Flat 5, 20 Test Road", "PO Box 99"),
)
FRENCH = Culture(
    "fr",
    _names("Amélie=Amelie, François=Francois, Zoé=Zoe, Jean-Luc, Noël=Noel, Inès=Ines, Hugo, Camille"),
    _names("Lefèvre=Lefevre, D'Aubigné=Daubigne, Dupont, Garçon=Garcon, Moreau, Le Goff=legoff"),
    (
        Place("Paris", None, None, "France", "FR", "75001", "EUR", 20, True),
        Place("Lyon", None, None, "France", "FR", "69001", "EUR", 20, True),
        Place("Montréal", "Quebec", "QC", "Canada", "CA", "H2Y 1C6", "CAD", 15, False),
    ),
    ("3 rue de l'Exemple", "18 bis, avenue d'Essai", "7 place du Marché"),
)
SPANISH = Culture(
    "es",
    _names("María José=mariajose, Iñaki=Inaki, Lucía=Lucia, Jesús=Jesus, Begoña=Begona, Hugo, Núria=Nuria"),
    _names("García=Garcia, Muñoz=Munoz, Peña Núñez=penanunez, López=Lopez, Ibáñez=Ibanez"),
    (
        Place("Madrid", "Madrid", "M", "Spain", "ES", "28001", "EUR", 21, True),
        Place("Barcelona", "Barcelona", "B", "Spain", "ES", "08001", "EUR", 21, True),
    ),
    ("Calle Ejemplo 4, 2º izq.", "Paseo de Prueba 88"),
)
NORTHERN = Culture(
    "sv",
    _names("Åsa=Asa, Björn=Bjorn, Øyvind=Oyvind, Lærke=Laerke, Þóra=Thora, Łukasz=Lukasz, Małgorzata=Malgorzata"),
    _names("Sjöberg=Sjoberg, Østergård=Ostergard, Brzęczyszczykiewicz=Brzeczyszczykiewicz, Ægisson=Aegisson"),
    (
        Place("Göteborg", None, None, "Sweden", "SE", "411 03", "SEK", 25, True),
        Place("Łódź", None, None, "Poland", "PL", "90-001", "PLN", 23, True),
    ),
    ("Exempelgatan 9", "ul. Przykładowa 11/4"),
)
WORLD = Culture(
    "ja",
    _names("美咲=misaki, 蓮=ren, Δήμητρα=Dimitra, Юлия=Yulia, محمد=mohammad, İpek=Ipek, 小明=xiaoming, 🌻 Ana=ana"),
    _names("佐藤=sato, Παπαδόπουλος=Papadopoulos, Иванова=Ivanova, Шевченко=Shevchenko, 王=wang, الأحمد=ahmad"),
    (
        Place("渋谷区", "東京都", "JP-13", "Japan", "JP", "150-0002", "JPY", 10, True),
        Place("Αθήνα", None, None, "Greece", "GR", "105 57", "EUR", 24, True),
        Place("Київ", None, None, "Ukraine", "UA", "01001", "USD", 20, True),
    ),
    ("神南1-2-3", "Οδός Παραδείγματος 5", "вул. Прикладна, 7"),
)

CULTURES: tuple[tuple[int, Culture], ...] = (
    (30, GERMAN),
    (34, ENGLISH),
    (12, FRENCH),
    (9, SPANISH),
    (8, NORTHERN),
    (7, WORLD),
)
LOCALES_BY_COUNTRY = {"US": "en-US", "GB": "en-GB", "CA": "en-CA", "AT": "de-AT", "GR": "el", "UA": "uk"}
COMPANIES = ("Example GmbH", 'Smith "& Sons" Ltd', "Sté Exemple", "Muñoz e Hijos, S.L.", "Ex;ample | Co")
DOMAINS = ("example.com", "example.org", "example.net")
NOTES = (
    "Prefers delivery after 18:00.",
    'Said: "call me back",\nthen hung up.\n\nSecond line; with \\ backslash and\ttab.',
    "Geschenk für die Großmutter, bitte ohne Rechnung 🎁",
    "=SUM(A1:A9)",
    "VIP, \"gold\"; see 'old' account",
    "  leading and trailing spaces  ",
)
TAGS = (
    "VIP", "wholesale", "Newsletter", "newsletter-2024", "B2B", "Größe XL", "gift", "Repeat", "at-risk", "staff",
    "import:legacy", "café", "tag with spaces", "Zürich", "birthday:05-17", "no-flash", "review", "Influencer", "test",
)  # fmt: skip
TIERS = ("HIGH", "MEDIUM", "LOW")
RFM_GROUPS = (
    "ACTIVE", "ALMOST_LOST", "AT_RISK", "CHAMPIONS", "DORMANT", "LOYAL", "NEEDS_ATTENTION", "NEW", "PROMISING",
)  # fmt: skip
EXEMPTIONS = ("EU_REVERSE_CHARGE_EXEMPTION_RULE", "US_CA_RESELLER_EXEMPTION", "CA_STATUS_CARD_EXEMPTION")

_LINES_PER_AREA = 100
_AREAS = 800


def fictional_phone(index: int, country_code: str | None) -> str:
    """An E.164 number that is nobody's and belongs to this index alone.

    France and the United Kingdom keep ranges for films, North America 555-0100 to 555-0199 in each area code;
    what exceeds them gets numbers of the area code 555, which is not assigned.
    """
    if country_code == "GB" and index < 1_000:
        return f"+447700900{index:03d}"
    if country_code == "FR" and index < 10_000:
        return f"+3363998{index:04d}"
    if index < _LINES_PER_AREA * _AREAS:
        return f"+1{200 + index // _LINES_PER_AREA}55501{index % _LINES_PER_AREA:02d}"
    return f"+1555{2_000_000 + index}"
