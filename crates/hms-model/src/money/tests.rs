use super::*;

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

#[test]
fn a_share_is_rounded_half_up_away_from_zero() {
    let cases = [
        (100, 190_000, 19),
        (50, 190_000, 10),
        (-50, 190_000, -10),
        (1, 500_000, 1),
        (-1, 500_000, -1),
        (1, 499_999, 0),
        (33, 333_333, 11),
        (i64::MAX, 1_000_000, i64::MAX),
        (0, 70_000, 0),
    ];
    for (amount, rate, expected) in cases {
        assert_eq!(eur(amount).share(Rate::try_from(rate).unwrap()), Ok(eur(expected)), "{amount} {rate}");
    }
}

#[test]
fn a_quantity_is_a_decimal() {
    let cases = [
        ("1", 1_000, "1"),
        ("1.5", 1_500, "1.5"),
        ("0.001", 1, "0.001"),
        ("1000000", 1_000_000_000, "1000000"),
    ];
    for (text, thousandths, again) in cases {
        let quantity = Quantity::try_from(text.to_owned()).unwrap();
        assert_eq!((quantity.thousandths(), quantity.to_string().as_str()), (thousandths, again));
    }
    for wrong in ["0", "0.000", "-1", "1.2345", "1000000.001", "1,5", ".5", "1.", "", "one", "99999999"] {
        assert!(Quantity::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
    assert_eq!(eur(333).times(Quantity::try_from("1.5".to_owned()).unwrap()), Ok(eur(500)));
}

#[test]
fn a_split_sums_to_the_whole() {
    let amounts = |parts: Vec<Money>| parts.into_iter().map(|part| part.amount).collect::<Vec<_>>();
    let cases: [(i64, &[u64], &[i64]); 6] = [
        (100, &[1, 1, 1], &[34, 33, 33]),
        (-100, &[1, 1, 1], &[-34, -33, -33]),
        (5, &[0, 3, 7], &[0, 2, 3]),
        (0, &[1, 2], &[0, 0]),
        (1, &[1, 1], &[1, 0]),
        (i64::MAX, &[u64::MAX, 0], &[i64::MAX, 0]),
    ];
    for (amount, weights, expected) in cases {
        let parts = amounts(eur(amount).allocate(weights).unwrap());
        assert_eq!(parts, expected, "{amount} by {weights:?}");
        assert_eq!(parts.iter().sum::<i64>(), amount);
    }
    assert_eq!(eur(1).allocate(&[]), Err(MoneyError::NoParts));
    assert_eq!(eur(1).allocate(&[0, 0]), Err(MoneyError::NoParts));
}

#[test]
fn decimals_are_those_of_the_currency() {
    let cases = [
        (Currency::EUR, 1_250, "12.50"),
        (Currency::EUR, -5, "-0.05"),
        (Currency::JPY, 1_250, "1250"),
        (Currency::KWD, 1, "0.001"),
        (Currency::EUR, i64::MIN, "-92233720368547758.08"),
    ];
    for (currency, amount, text) in cases {
        assert_eq!(Money::new(amount, currency).decimal(), text);
    }
    for (text, amount) in [("12.50", 1_250), ("12.5", 1_250), ("12", 1_200), ("-0.05", -5)] {
        assert_eq!(Money::parse_decimal(text, Currency::EUR), Ok(eur(amount)), "{text}");
    }
    for wrong in ["", "-", ".5", "1.", "1.234", "1,5", "1e3", "+1", "--1", "0x1"] {
        assert_eq!(Money::parse_decimal(wrong, Currency::EUR), Err(MoneyError::Unreadable), "{wrong}");
    }
}

#[test]
fn nothing_wraps_and_nothing_mixes() {
    assert_eq!(eur(i64::MAX).plus(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(eur(i64::MIN).negated(), Err(MoneyError::Overflow));
    let mixed = MoneyError::Mixed(Currency::EUR, Currency::USD);
    assert_eq!(eur(1).plus(Money::new(1, Currency::USD)), Err(mixed));
    assert_eq!(eur(i64::MAX).times(Quantity::try_from("2".to_owned()).unwrap()), Err(MoneyError::Overflow));
}

#[test]
fn codes_read_back_and_others_are_refused() {
    for currency in Currency::EVERY {
        assert_eq!(currency.code().parse(), Ok(*currency));
    }
    for wrong in ["eur", "EURO", "XXX", ""] {
        assert_eq!(wrong.parse::<Currency>(), Err(UnknownCurrency));
    }
}
