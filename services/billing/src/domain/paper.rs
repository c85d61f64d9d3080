//! An invoice as people read it: words, numbers and dates in their language.

use hms_model::Language;
use hms_model::money::{Money, Quantity, Rate};

use super::{Invoice, Kind};

/// The words of an invoice.
struct Words {
    invoice: &'static str,
    credit_note: &'static str,
    patient: &'static str,
    issued_on: &'static str,
    due_on: &'static str,
    columns: [&'static str; 4],
    net: &'static str,
    tax: &'static str,
    total: &'static str,
    insured: &'static str,
    settled: &'static str,
    open: &'static str,
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    credit_note: "Credit note",
    patient: "Patient",
    issued_on: "Issued on",
    due_on: "Due on",
    columns: ["Service", "Quantity", "Tax", "Amount"],
    net: "Net",
    tax: "Tax",
    total: "Total",
    insured: "Of which paid by insurance",
    settled: "Settled",
    open: "Open",
};

const GERMAN: Words = Words {
    invoice: "Rechnung",
    credit_note: "Gutschrift",
    patient: "Patient/in",
    issued_on: "Ausgestellt am",
    due_on: "Fällig am",
    columns: ["Leistung", "Menge", "Steuer", "Betrag"],
    net: "Netto",
    tax: "Steuer",
    total: "Gesamt",
    insured: "Davon trägt die Versicherung",
    settled: "Beglichen",
    open: "Offen",
};

const SPANISH: Words = Words {
    invoice: "Factura",
    credit_note: "Nota de crédito",
    patient: "Paciente",
    issued_on: "Emitida el",
    due_on: "Vence el",
    columns: ["Servicio", "Cantidad", "Impuesto", "Importe"],
    net: "Importe neto",
    tax: "Impuesto",
    total: "Total",
    insured: "De ello a cargo del seguro",
    settled: "Pagado",
    open: "Pendiente",
};

const FRENCH: Words = Words {
    invoice: "Facture",
    credit_note: "Avoir",
    patient: "Patient(e)",
    issued_on: "Émise le",
    due_on: "Échéance le",
    columns: ["Prestation", "Quantité", "Taxe", "Montant"],
    net: "Montant net",
    tax: "Taxe",
    total: "Total",
    insured: "Dont à la charge de l'assurance",
    settled: "Réglé",
    open: "Reste dû",
};

/// An invoice, ready to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Whose it is.
    pub organisation: String,
    /// What it is, with its number.
    pub title: String,
    /// A word, and what belongs to it.
    pub head: Vec<(String, String)>,
    /// The names of the columns.
    pub columns: [String; 4],
    /// What for: name, quantity, tax rate, amount without tax.
    pub lines: Vec<[String; 4]>,
    /// A word, and the amount that belongs to it.
    pub sums: Vec<(String, String)>,
    /// What else there is to say.
    pub note: Option<String>,
}

fn words(language: Language) -> &'static Words {
    match language {
        Language::De => &GERMAN,
        Language::En => &ENGLISH,
        Language::Es => &SPANISH,
        Language::Fr => &FRENCH,
    }
}

/// An amount with its currency: `1,234.50 EUR`, `1.234,50 EUR`, `1 234,50 EUR`.
fn money(language: Language, money: Money) -> String {
    format!("{}\u{a0}{}", number(language, &money.decimal()), money.currency)
}

/// A decimal number with this language's marks; in French a space that does not break stands between thousands.
fn number(language: Language, decimal: &str) -> String {
    let (thousands, point) = match language {
        Language::En => (',', '.'),
        Language::De | Language::Es => ('.', ','),
        Language::Fr => ('\u{a0}', ','),
    };
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    if let Some(part) = part {
        text.push(point);
        text.push_str(part);
    }
    text
}

fn quantity(language: Language, quantity: Quantity) -> String {
    number(language, &quantity.to_string())
}

/// A rate in percent, with no more decimals than it has.
fn percent(language: Language, rate: Rate) -> String {
    let (whole, part) = (rate.millionths() / 10_000, rate.millionths() % 10_000);
    let part = format!("{part:04}");
    let part = part.trim_end_matches('0');
    let decimal = if part.is_empty() { whole.to_string() } else { format!("{whole}.{part}") };
    format!("{}\u{a0}%", number(language, &decimal))
}

impl Paper {
    /// What an invoice says in a language.
    pub fn of(invoice: &Invoice, organisation: &str, patient: &str, language: Language) -> Self {
        let words = words(language);
        let kind = if invoice.kind == Kind::Invoice { words.invoice } else { words.credit_note };
        let dates = [(words.issued_on, invoice.issued_on), (words.due_on, invoice.due_on)];
        let dates = dates.into_iter().filter_map(|(word, day)| Some((word, language.date(day?))));
        let head = std::iter::once((words.patient, patient.to_owned())).chain(dates);
        let line = |line: &super::Line| {
            [
                line.description.to_string(),
                quantity(language, line.quantity),
                percent(language, line.tax_rate),
                money(language, line.net),
            ]
        };
        let mut sums = vec![(words.net, invoice.net), (words.tax, invoice.tax), (words.total, invoice.total)];
        if !invoice.payer_due.is_zero() {
            sums.push((words.insured, invoice.payer_due));
        }
        if invoice.kind == Kind::Invoice {
            let settled = invoice.patient_settled.plus(invoice.payer_settled);
            sums.extend(settled.ok().filter(|settled| !settled.is_zero()).map(|sum| (words.settled, sum)));
            sums.push((words.open, invoice.open));
        }
        Self {
            organisation: organisation.to_owned(),
            title: format!("{kind} {}", invoice.number.as_deref().unwrap_or("-")),
            head: head.map(|(word, text)| (word.to_owned(), text)).collect(),
            columns: words.columns.map(str::to_owned),
            lines: invoice.lines.iter().map(line).collect(),
            sums: sums.into_iter().map(|(word, sum)| (word.to_owned(), money(language, sum))).collect(),
            note: invoice.note.as_ref().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::money::Currency;

    use super::*;

    #[test]
    fn numbers_are_those_of_the_language() {
        let cases = [
            (Language::En, "1,234,567.50\u{a0}EUR", "-0.05\u{a0}EUR", "9.975\u{a0}%"),
            (Language::De, "1.234.567,50\u{a0}EUR", "-0,05\u{a0}EUR", "9,975\u{a0}%"),
            (Language::Es, "1.234.567,50\u{a0}EUR", "-0,05\u{a0}EUR", "9,975\u{a0}%"),
            (Language::Fr, "1\u{a0}234\u{a0}567,50\u{a0}EUR", "-0,05\u{a0}EUR", "9,975\u{a0}%"),
        ];
        for (language, much, little, rate) in cases {
            let euros = |amount| money(language, Money::new(amount, Currency::EUR));
            assert_eq!((euros(123_456_750).as_str(), euros(-5).as_str()), (much, little));
            assert_eq!(percent(language, Rate::try_from(99_750).unwrap()), rate);
        }
        assert_eq!(money(Language::En, Money::new(1_500, Currency::JPY)), "1,500\u{a0}JPY");
        assert_eq!(percent(Language::De, Rate::try_from(190_000).unwrap()), "19\u{a0}%");
    }
}
