"""What the store holds: frozen records of customers and checkouts. Times are microseconds, money is whole cents."""

from __future__ import annotations

from dataclasses import dataclass, field

SUBSCRIBED = "SUBSCRIBED"
UNSUBSCRIBED = "UNSUBSCRIBED"
NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
PENDING = "PENDING"
INVALID = "INVALID"
REDACTED = "REDACTED"

EMAIL_STATES = (INVALID, NOT_SUBSCRIBED, PENDING, SUBSCRIBED, UNSUBSCRIBED, REDACTED)
SMS_STATES = (NOT_SUBSCRIBED, PENDING, REDACTED, SUBSCRIBED, UNSUBSCRIBED)
OPT_IN_LEVELS = ("SINGLE_OPT_IN", "CONFIRMED_OPT_IN", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Consent:
    """Marketing consent of one channel; `at` is null until it is first changed, and the level is then single opt-in."""

    state: str = NOT_SUBSCRIBED
    opt_in_level: str | None = "SINGLE_OPT_IN"
    at: int | None = None
    collected_from: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A mailing address; `model` is what Shopify appends to its id as `?model_name=`."""

    number: int
    model: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    country: str | None = None
    country_code: str | None = None
    zip: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in cents of the shop's currency and of the buyer's."""

    shop: int
    presentment: int
    currency: str


@dataclass(frozen=True, slots=True)
class Order:
    """A customer's order, as far as `lastOrder` shows it."""

    number: int
    name: str
    created_at: int
    quantity: int
    total: Money
    current_total: Money
    current_quantity: int
    cancelled_at: int | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer of the shop; `created_at` and `updated_at` are whole seconds, as Shopify stores them."""

    number: int
    created_at: int
    updated_at: int
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_consent: Consent = field(default_factory=Consent)
    phone: str | None = None
    sms_consent: Consent = field(default_factory=Consent)
    whatsapp_consent: Consent = field(default_factory=Consent)
    locale: str = "en"
    note: str | None = None
    tags: tuple[str, ...] = ()
    state: str = "DISABLED"
    verified_email: bool = True
    tax_exempt: bool = False
    tax_exemptions: tuple[str, ...] = ()
    data_sale_opt_out: bool = False
    address: Address | None = None
    orders_count: int = 0
    amount_spent: int = 0
    order_times: tuple[int, ...] = ()
    last_order: Order | None = None
    predicted_spend_tier: str | None = None
    rfm_group: str | None = None
    metafields: tuple[tuple[str, str, str], ...] = ()
    redacted: bool = False

    @property
    def email_valid(self) -> bool:
        """False for an address whose marketing state is INVALID."""
        return self.email_consent.state != INVALID

    @property
    def display_name(self) -> str:
        """The full name, else the e-mail address, else the phone number, else nothing."""
        full = " ".join(part for part in (self.first_name, self.last_name) if part)
        return full or self.email or self.phone or ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a checkout; a product that was deleted or never existed has no number."""

    title: str
    quantity: int
    unit_price: int
    discounted_unit_price: int
    coded_unit_price: int
    variant_title: str | None = None
    sku: str | None = None
    product_number: int | None = None
    variant_number: int | None = None
    product_handle: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    image_url: str | None = None
    attributes: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Checkout:
    """An abandoned checkout; its times keep microseconds, which the API cuts off."""

    number: int
    token: str
    created_at: int
    updated_at: int
    completed_at: int | None = None
    customer_number: int | None = None
    lines: tuple[Line, ...] = ()
    currency: str = "EUR"
    note: str = ""
    discount_codes: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str | None], ...] = ()
    taxes_included: bool = True
    tax_percent: int = 0
    duties: int | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    closed: bool = False

    @property
    def line_total(self) -> int:
        """Cents before any discount."""
        return sum(line.unit_price * line.quantity for line in self.lines)

    @property
    def subtotal(self) -> int:
        """Cents after line discounts and discount codes."""
        return sum(line.coded_unit_price * line.quantity for line in self.lines)

    @property
    def tax(self) -> int:
        """Cents of tax, within the prices or on top of them."""
        if self.taxes_included:
            return self.subtotal * self.tax_percent // (100 + self.tax_percent)
        return self.subtotal * self.tax_percent // 100

    @property
    def total(self) -> int:
        """Cents to pay."""
        return self.subtotal + (0 if self.taxes_included else self.tax) + (self.duties or 0)


# Units of a currency for one euro, in hundredths; fixed, since the store has no market.
RATES = {"EUR": 100, "USD": 109, "GBP": 85, "JPY": 16_200, "CHF": 95, "SEK": 1_140, "CAD": 149, "PLN": 428, "AUD": 165}
_WHOLE_UNITS = frozenset({"JPY"})


def convert(cents: int, currency: str) -> int:
    """Cents of the shop's currency as cents of another one; currencies without decimals come in whole units."""
    converted = (cents * RATES[currency] + 50) // 100
    return (converted + 50) // 100 * 100 if currency in _WHOLE_UNITS else converted


def money(cents: int, currency: str) -> Money:
    """An amount with its counterpart in the buyer's currency."""
    return Money(cents, convert(cents, currency), currency)


def money_text(cents: int) -> str:
    """The Admin API's form of an amount: trailing zeros are cut, one decimal stays (`0.0`, `30.0`, `902.45`)."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"
