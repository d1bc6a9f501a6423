"""The kinds of tax IDs that can be checked: their country and name, the checker in python-stdnum, and an example."""

from dataclasses import dataclass

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """A kind of tax ID. `prefix` is the country code that is part of it, empty if it has none."""

    country: str
    name: str
    checker: str  # module of stdnum
    prefix: str
    example: str

    @property
    def label(self) -> str:
        """Its name on receipts and in lists: "Australia ABN"."""
        return f"{self.country} {self.name}"


#: By country.
KINDS = (
    Kind("Albania", "NIPT", "al.nipt", "", "J91402501L"),
    Kind("Algeria", "NIF", "dz.nif", "", "416001000000007"),
    Kind("Andorra", "NRT", "ad.nrt", "", "U-132950-X"),
    Kind("Argentina", "CUIT", "ar.cuit", "", "20-05536168-2"),
    Kind("Australia", "ABN", "au.abn", "", "83 914 571 673"),
    Kind("Austria", "VAT ID", "at.uid", "AT", "ATU13585627"),
    Kind("Azerbaijan", "VÖEN", "az.voen", "", "1401555071"),
    Kind("Belarus", "UNP", "by.unp", "", "200988541"),
    Kind("Belgium", "VAT ID", "be.vat", "BE", "BE0428759497"),
    Kind("Brazil", "CNPJ", "br.cnpj", "", "16.727.230/0001-97"),
    Kind("Brazil", "CPF", "br.cpf", "", "390.533.447-05"),
    Kind("Bulgaria", "VAT ID", "bg.vat", "BG", "BG175074752"),
    Kind("Canada", "BN", "ca.bn", "", "123026635"),
    Kind("Chile", "RUT", "cl.rut", "", "76.086.428-5"),
    Kind("China", "USCC", "cn.uscc", "", "91110000600037341L"),
    Kind("Colombia", "NIT", "co.nit", "", "213.123.432-1"),
    Kind("Costa Rica", "CPJ", "cr.cpj", "", "3-101-999999"),
    Kind("Croatia", "VAT ID", "hr.oib", "HR", "HR33392005961"),
    Kind("Cyprus", "VAT ID", "cy.vat", "CY", "CY10259033P"),
    Kind("Czechia", "VAT ID", "cz.dic", "CZ", "CZ25123891"),
    Kind("Denmark", "VAT ID", "dk.cvr", "DK", "DK13585628"),
    Kind("Dominican Republic", "RNC", "do.rnc", "", "1-01-85004-3"),
    Kind("Ecuador", "RUC", "ec.ruc", "", "1792060346001"),
    Kind("Egypt", "TRN", "eg.tn", "", "100-531-385"),
    Kind("El Salvador", "NIT", "sv.nit", "", "0614-050707-104-8"),
    Kind("Estonia", "VAT ID", "ee.kmkr", "EE", "EE100594102"),
    Kind("Faroe Islands", "V-number", "fo.vn", "", "623857"),
    Kind("Finland", "VAT ID", "fi.alv", "FI", "FI20774740"),
    Kind("France", "VAT ID", "fr.tva", "FR", "FR23334175221"),
    Kind("Germany", "VAT ID", "de.vat", "DE", "DE136695976"),
    Kind("Ghana", "TIN", "gh.tin", "", "C0000803561"),
    Kind("Greece", "VAT ID", "gr.vat", "EL", "EL094259216"),
    Kind("Guatemala", "NIT", "gt.nit", "", "576937-K"),
    Kind("Guinea", "NIFp", "gn.nifp", "", "693-770-885"),
    Kind("Hungary", "VAT ID", "hu.anum", "HU", "HU12892312"),
    Kind("Iceland", "VSK", "is_.vsk", "", "00621"),
    Kind("India", "GSTIN", "in_.gstin", "", "27AAPFU0939F1ZV"),
    Kind("Indonesia", "NPWP", "id.npwp", "", "01.312.166.0-091.000"),
    Kind("Ireland", "VAT ID", "ie.vat", "IE", "IE6433435F"),
    Kind("Israel", "company number", "il.hp", "", "516179157"),
    Kind("Italy", "VAT ID", "it.iva", "IT", "IT00743110157"),
    Kind("Japan", "corporate number", "jp.cn", "", "5-8356-7825-6246"),
    Kind("Kenya", "PIN", "ke.pin", "", "P051365947M"),
    Kind("Latvia", "VAT ID", "lv.pvn", "LV", "LV40003521600"),
    Kind("Liechtenstein", "PEID", "li.peid", "", "1234567"),
    Kind("Lithuania", "VAT ID", "lt.pvm", "LT", "LT119511515"),
    Kind("Luxembourg", "VAT ID", "lu.tva", "LU", "LU15027442"),
    Kind("Malta", "VAT ID", "mt.vat", "MT", "MT11679112"),
    Kind("Mexico", "RFC", "mx.rfc", "", "GODE 561231 GR8"),
    Kind("Moldova", "IDNO", "md.idno", "", "1008600038413"),
    Kind("Monaco", "VAT ID", "mc.tva", "", "FR53000004605"),
    Kind("Montenegro", "PIB", "me.pib", "", "02655284"),
    Kind("Morocco", "ICE", "ma.ice", "", "001561191000066"),
    Kind("Mozambique", "NUIT", "mz.nuit", "", "400 339 910"),
    Kind("Netherlands", "VAT ID", "nl.btw", "NL", "NL004495445B01"),
    Kind("New Zealand", "IRD number", "nz.ird", "", "49-091-850"),
    Kind("North Macedonia", "EDB", "mk.edb", "", "4030000375897"),
    Kind("Norway", "VAT ID", "no.mva", "", "NO 995 525 828 MVA"),
    Kind("Paraguay", "RUC", "py.ruc", "", "80028061-0"),
    Kind("Peru", "RUC", "pe.ruc", "", "20512333797"),
    Kind("Poland", "VAT ID", "pl.nip", "PL", "PL8567346215"),
    Kind("Portugal", "VAT ID", "pt.nif", "PT", "PT501964843"),
    Kind("Romania", "VAT ID", "ro.cf", "RO", "RO18547290"),
    Kind("Russia", "INN", "ru.inn", "", "123456789047"),
    Kind("San Marino", "COE", "sm.coe", "", "51"),
    Kind("Senegal", "NINEA", "sn.ninea", "", "3067221"),
    Kind("Serbia", "PIB", "rs.pib", "", "101134702"),
    Kind("Singapore", "UEN", "sg.uen", "", "00192200M"),
    Kind("Slovakia", "VAT ID", "sk.dph", "SK", "SK2022749619"),
    Kind("Slovenia", "VAT ID", "si.ddv", "SI", "SI50223054"),
    Kind("South Africa", "TIN", "za.tin", "", "0001339050"),
    Kind("South Korea", "BRN", "kr.brn", "", "116-82-00276"),
    Kind("Spain", "VAT ID", "es.nif", "ES", "ESB64717838"),
    Kind("Sweden", "VAT ID", "se.vat", "SE", "SE123456789701"),
    Kind("Switzerland", "UID", "ch.uid", "", "CHE-100.155.212"),
    Kind("Switzerland", "VAT ID", "ch.vat", "", "CHE-107.787.577 IVA"),
    Kind("Taiwan", "UBN", "tw.ubn", "", "00501503"),
    Kind("Thailand", "TIN", "th.tin", "", "1-2345-45678-78-1"),
    Kind("Tunisia", "MF", "tn.mf", "", "1234567/M/A/E/001"),
    Kind("Türkiye", "VKN", "tr.vkn", "", "4540536920"),
    Kind("Ukraine", "EDRPOU", "ua.edrpou", "", "32855961"),
    Kind("United Kingdom", "VAT ID", "gb.vat", "GB", "GB980780684"),
    Kind("United States", "EIN", "us.ein", "", "91-1144442"),
    Kind("Uruguay", "RUT", "uy.rut", "", "21-100342-001-7"),
    Kind("Venezuela", "RIF", "ve.rif", "", "V114702834"),
    Kind("Vietnam", "MST", "vn.mst", "", "0100233488"),
)
