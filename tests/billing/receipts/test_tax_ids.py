"""Tax IDs: their form is checked, and they are written as their country writes them."""

import pytest

from billing.receipts import tax_ids
from billing.receipts.tax_id_kinds import KINDS
from billing.receipts.tax_ids import OTHER, InvalidTaxId


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.label)
def test_every_kind_accepts_its_example_and_refuses_nonsense(kind):
    line = tax_ids.write(kind.label, f" {kind.example.lower()} ")
    assert line == f"{kind.label} {kind.example}"
    assert tax_ids.parse(line) == (kind.label, kind.example)
    for hostile in (
        "?",
        "<b>1</b>",
        "\u0661\u0662\u0663",
        "A" * 60,
        "-" * 60,
        "%00",
        "DE",
        "\U0001f4b8",
        "' OR 1=1",
    ):
        with pytest.raises(InvalidTaxId, match="Expected form"):
            tax_ids.write(kind.label, hostile)


@pytest.mark.parametrize(
    ("label", "typed", "line"),
    [
        ("Germany VAT ID", "136 695 976", "Germany VAT ID DE136695976"),
        ("Greece VAT ID", "GR 094259216", "Greece VAT ID EL094259216"),
        ("Romania VAT ID", "ro 185 472 90", "Romania VAT ID RO18547290"),
        ("Spain VAT ID", "B-64717838", "Spain VAT ID ESB64717838"),
        ("United Kingdom VAT ID", "980 7806 84", "United Kingdom VAT ID GB980780684"),
        ("Norway VAT ID", "995525828MVA", "Norway VAT ID NO 995 525 828 MVA"),
        ("Switzerland VAT ID", "CHE107787577IVA", "Switzerland VAT ID CHE-107.787.577 IVA"),
        ("Australia ABN", "83-914-571-673", "Australia ABN 83 914 571 673"),
        ("United States EIN", "911144442", "United States EIN 91-1144442"),
        ("Brazil CNPJ", "16727230000197", "Brazil CNPJ 16.727.230/0001-97"),
        ("India GSTIN", "27aapfu0939f1zv", "India GSTIN 27AAPFU0939F1ZV"),
        ("Canada BN", "12302 6635 rc 0001", "Canada BN 123026635RC0001"),
        (OTHER, "  12/34   b ", "12/34 b"),
    ],
)
def test_numbers_are_written_in_one_way(label, typed, line):
    assert tax_ids.write(label, typed) == line


@pytest.mark.parametrize("typed", ["", " ", "x" * 61, "a\nb", "a\x00b", "a\u202eb"])
def test_text_of_an_unknown_country_has_limits(typed):
    with pytest.raises(InvalidTaxId, match="up to 60"):
        tax_ids.write(OTHER, typed)


def test_lines_of_earlier_are_kept_as_they_are():
    assert tax_ids.parse("IE1234567X") == (OTHER, "IE1234567X")
    assert len({label for label, _ in tax_ids.choices()}) == len(KINDS) + 1 > 80
