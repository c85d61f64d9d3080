//! Lists of patients: filters, search, order, pages and cursor.

use std::collections::HashSet;

use chrono::TimeDelta;
use hms_testkit::{Backend, Client, on_both_back_ends};
use serde_json::{Value, json};

use crate::surroundings::{App, Role, column, patient};

/// Registers patients a minute apart, each with these fields.
async fn with_patients(backend: Backend, patients: &[Value]) -> (App, Client) {
    let app = App::start(backend).await;
    let desk = app.client(&[Role::Receptionist]);
    for more in patients {
        desk.post("/api/v1/patients", &patient(more.clone())).await.expect(201);
        app.clock.advance(TimeDelta::minutes(1));
    }
    (app, desk)
}

/// Asks for each query and compares the given names that come back, in their order.
async fn finds(client: &Client, cases: &[(&str, &[&str])]) {
    for (query, names) in cases {
        let list = client.get(&format!("/api/v1/patients?{query}")).await;
        list.expect(200);
        assert_eq!(column(&list, "given_name"), *names, "{query}");
        assert_eq!(list["count"], names.len(), "{query}");
    }
}

on_both_back_ends! {
    async fn filters_narrow_the_list(backend) {
        let (_app, desk) = with_patients(backend, &[
            json!({"given_name": "A", "birth_date": "1950-05-05", "gender": "male", "email": "a@example.org"}),
            json!({"given_name": "B", "birth_date": "2008-03-02", "phone": "+14155552671"}),
            json!({"given_name": "C", "birth_date": "2008-03-03", "deceased_at": "2026-01-01T00:00:00Z"}),
            json!({"given_name": "D", "birth_date": "2026-03-02", "gender": "unknown"}),
        ]).await;
        finds(&desk, &[
            ("", &["D", "C", "B", "A"]),
            ("status=active", &["D", "B", "A"]),
            ("status__in=deceased,inactive", &["C"]),
            ("gender=male", &["A"]),
            ("gender__in=male,unknown", &["D", "A"]),
            ("birth_date=2008-03-03", &["C"]),
            ("birth_date__gte=2008-03-02&birth_date__lt=2026-03-02", &["C", "B"]),
            ("email=A@EXAMPLE.ORG", &["A"]),
            ("phone=%2B14155552671", &["B"]),
            ("created_at__gt=2026-03-02T08:01:00Z", &["D", "C"]),
            ("created_at__lte=2026-03-02T08:00:00%2B00:00", &["A"]),
            ("status=active&gender=female", &["B"]),
            ("status=inactive", &[]),
        ]).await;
    }

    /// It is the 2nd of March 2026: B has a birthday, C tomorrow.
    async fn ages_are_full_years_of_today(backend) {
        let (app, desk) = with_patients(backend, &[
            json!({"given_name": "A", "birth_date": "1950-05-05"}),
            json!({"given_name": "B", "birth_date": "2008-03-02"}),
            json!({"given_name": "C", "birth_date": "2008-03-03"}),
            json!({"given_name": "D", "birth_date": "2008-02-29"}),
            json!({"given_name": "E", "birth_date": "2026-03-02"}),
        ]).await;
        finds(&desk, &[
            ("age__gte=18", &["D", "B", "A"]),
            ("age__gt=17&age__lte=18", &["D", "B"]),
            ("age__lt=18", &["E", "C"]),
            ("age__gt=18", &["A"]),
            ("age=17", &["C"]),
            ("age=75", &["A"]),
            ("age__in=0,17", &["E", "C"]),
            ("age__lte=0", &["E"]),
            ("age__gte=65535", &[]),
        ]).await;
        // 28 February 2027: whoever was born on the 29th is not 19 yet, and is on the next day.
        app.clock.advance(TimeDelta::days(363));
        let desk = app.client(&[Role::Receptionist]);
        finds(&desk, &[("age=18", &["D", "C", "B"]), ("age=19", &[])]).await;
        app.clock.advance(TimeDelta::days(1));
        let desk = app.client(&[Role::Receptionist]);
        finds(&desk, &[("age=18", &["C", "B"]), ("age=19", &["D"])]).await;
    }

    async fn a_search_finds_parts_of_words_in_any_alphabet(backend) {
        let (_app, desk) = with_patients(backend, &[
            json!({"given_name": "John", "family_name": "Smith", "email": "js@example.org"}),
            json!({"given_name": "Johanna", "family_name": "Goldsmith", "phone": "+14155552671"}),
            json!({"given_name": "Øystein", "family_name": "Çelik-Ñandú"}),
            json!({"given_name": "Οδυσσεύς", "family_name": "100%_sure\\ly"}),
            json!({"given_name": "Жанна", "family_name": "李小龙"}),
        ]).await;
        finds(&desk, &[
            ("search=john+smi", &["John"]),
            ("search=SMITH", &["Johanna", "John"]),
            ("search=smi+joh", &["Johanna", "John"]),
            ("search=oldsm", &["Johanna"]),
            ("search=%C3%B8YSTEIN", &["Øystein"]),
            ("search=%C3%A7elik", &["Øystein"]),
            ("search=%C3%87ELIK-%C3%B1", &["Øystein"]),
            ("search=%CE%9F%CE%94%CE%A5%CE%A3", &["Οδυσσεύς"]),
            ("search=%D0%B6%D0%90%D0%9D", &["Жанна"]),
            ("search=%E5%B0%8F", &["Жанна"]),
            ("search=js@EXAMPLE", &["John"]),
            ("search=5552671", &["Johanna"]),
            ("search=p-", &["Жанна", "Οδυσσεύς", "Øystein", "Johanna", "John"]),
            ("search=0%25_", &["Οδυσσεύς"]),
            ("search=%25", &["Οδυσσεύς"]),
            ("search=j%25n", &[]),
            ("search=jo_n", &[]),
            ("search=e%5Cl", &["Οδυσσεύς"]),
            ("search=john%00smi", &["John"]),
            ("search=%27;--", &[]),
            ("search=smithjs", &[]),
        ]).await;
        let john = desk.get("/api/v1/patients?search=john").await;
        let mrn = john.results()[0]["mrn"].as_str().unwrap().to_lowercase();
        finds(&desk, &[(&format!("search={mrn}"), &["John"])]).await;
    }

    async fn a_search_follows_the_changes(backend) {
        let (_app, desk) = with_patients(backend, &[json!({"given_name": "Ann", "family_name": "Lee"})]).await;
        let ann = desk.get("/api/v1/patients").await.results()[0]["id"].as_str().unwrap().to_owned();
        desk.patch(&format!("/api/v1/patients/{ann}"), &json!({"family_name": "Öz"})).await.expect(200);
        finds(&desk, &[("search=lee", &[]), ("search=%C3%B6Z", &["Ann"])]).await;
    }

    async fn the_order_is_asked_for(backend) {
        let (_app, desk) = with_patients(backend, &[
            json!({"given_name": "1", "family_name": "Bloom", "birth_date": "1990-01-01"}),
            json!({"given_name": "2", "family_name": "Adler", "birth_date": "1980-01-01"}),
            json!({"given_name": "3", "family_name": "Bloom", "birth_date": "1970-01-01"}),
        ]).await;
        finds(&desk, &[
            ("", &["3", "2", "1"]),
            ("ordering=created_at", &["1", "2", "3"]),
            ("ordering=-created_at", &["3", "2", "1"]),
            ("ordering=family_name", &["2", "3", "1"]),
            ("ordering=-family_name", &["3", "1", "2"]),
            ("ordering=birth_date", &["3", "2", "1"]),
            ("ordering=-birth_date&search=bloom", &["1", "3"]),
        ]).await;
    }

    async fn pages_follow_each_other_by_their_links(backend) {
        let names: Vec<_> = (0..7).map(|n| json!({"given_name": format!("N{n}")})).collect();
        let (_app, desk) = with_patients(backend, &names).await;
        let first = desk.get("/api/v1/patients?page_size=3&ordering=created_at&search=n").await;
        assert_eq!((first["count"].clone(), column(&first, "given_name")), (json!(7), vec!["N0".into(), "N1".into(), "N2".into()]));
        assert_eq!(first["previous"], Value::Null);
        let second = desk.get(&first.text("next")).await;
        assert_eq!(column(&second, "given_name"), ["N3", "N4", "N5"]);
        let third = desk.get(&second.text("next")).await;
        assert_eq!((third["count"].clone(), column(&third, "given_name")), (json!(7), vec!["N6".into()]));
        assert_eq!(third["next"], Value::Null);
        assert_eq!(desk.get(&third.text("previous")).await.body, second.body);
        let beyond = desk.get("/api/v1/patients?page=9&page_size=3").await;
        assert_eq!((&beyond["count"], beyond.results().len()), (&json!(7), 0));
    }

    async fn pages_in_any_order_have_each_row_where_it_stands(backend) {
        let names: Vec<_> = (0..200).map(|n| json!({"given_name": format!("N{n:03}")})).collect();
        let (_app, desk) = with_patients(backend, &names).await;
        let mut expected: Vec<_> = (0..200).rev().map(|n| format!("N{n:03}")).collect();
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for round in 0..40 {
            let size = random.usize(1..30);
            let number = random.usize(1..=expected.len() / size + 2);
            let search = ["", "&search=n"][random.usize(..2)];
            let page = desk.get(&format!("/api/v1/patients?page={number}&page_size={size}{search}")).await;
            let there: Vec<_> = expected.iter().skip((number - 1) * size).take(size).cloned().collect();
            assert_eq!(column(&page, "given_name"), there, "page {number} of {size}{search}");
            assert_eq!(page["count"], json!(expected.len()));
            if round % 8 == 7 {
                let name = format!("N{:03}", expected.len());
                desk.post("/api/v1/patients", &patient(json!({"given_name": name}))).await.expect(201);
                expected.insert(0, name);
            }
        }
    }

    async fn a_walk_by_cursor_sees_each_row_once_while_rows_are_added(backend) {
        let names: Vec<_> = (0..60).map(|n| json!({"given_name": format!("N{n:02}")})).collect();
        let (_app, desk) = with_patients(backend, &names).await;
        let mut seen = Vec::new();
        let mut next = Some("/api/v1/patients?cursor=&page_size=7".to_owned());
        while let Some(path) = next {
            let page = desk.get(&path).await;
            page.expect(200);
            assert_eq!(page["count"], Value::Null);
            seen.extend(column(&page, "given_name"));
            desk.post("/api/v1/patients", &patient(json!({"given_name": "Late"}))).await.expect(201);
            next = page["next"].as_str().map(str::to_owned);
        }
        let expected: Vec<_> = (0..60).rev().map(|n| format!("N{n:02}")).collect();
        assert_eq!(seen, expected);
        assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 60);
    }
}
