use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use fastrand::Rng;
use hms_db::{Backend, Database, PoolOptions};
use hms_model::Clock;
use hms_model::id::Id;
use hms_model::role::Reach;
use hms_service::Known;
use hms_testkit::database::TestDatabase;
use hms_testkit::on_both_back_ends;

use super::*;
use crate::api::patient::PatientFilters;
use crate::domain::{Gender, Patient, PatientDetails, words};
use crate::store;

/// More than are looked at first, and in their older half more than are fetched by their ids.
const PATIENTS: i64 = 2_600;
const GIVEN: [&str; 10] =
    ["Anna", "Jürgen", "Łukasz", "Ng", "Mei-Li", "Οδυσσεύς", "Жанна", "小龙", "O'Neil", "Zoë Ana"];
const SYLLABLES: [&str; 14] =
    ["smi", "th", "be", "rg", "an", "Çe", "lik", "ø", "ß", "-", "李", "na", "50%_\"", "ov"];

fn name(random: &mut Rng) -> String {
    let syllables = random.usize(1..4);
    (0..syllables).map(|_| random.choice(SYLLABLES).unwrap()).collect::<String>()
}

fn born(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap() + TimeDelta::milliseconds(number)
}

/// The older half is called Oldman, so that a name is frequent and yet not among the newest; the newer half lives at one
/// provider.
fn person(number: i64, random: &mut Rng) -> Patient {
    let old = number < PATIENTS / 2;
    let details = PatientDetails {
        given_name: random.choice(GIVEN).unwrap().parse().unwrap(),
        family_name: if old {
            "Oldman".parse().unwrap()
        } else {
            format!("X{}", name(random)).parse().unwrap()
        },
        birth_date: "1980-01-01".parse().unwrap(),
        gender: Gender::Unknown,
        phone: None,
        email: (!old).then(|| format!("p{number}@example.org").parse().unwrap()),
        language: None,
        address: None,
        identifiers: Vec::new(),
        deceased_at: None,
    };
    let at = born(number);
    Patient::register(details, Reach::Everyone, Id::new(at), at).unwrap()
}

async fn hospital(backend: Backend, random: &mut Rng) -> (TestDatabase, Database, Vec<Patient>) {
    let migrations = hms_service::all_migrations::<crate::Service>();
    let own = TestDatabase::new(backend, "user", &migrations).await;
    let database = Database::new(own.url.clone(), PoolOptions::default());
    let mut patients: Vec<_> = (0..PATIENTS).map(|number| person(number, random)).collect();
    let new = patients.clone();
    let written = database.write(move |db| {
        for patient in &new {
            store::patient::insert(db, patient)
                .map_err(|unwritten| hms_db::Error::Other(format!("{unwritten:?}").into()))?;
        }
        Ok::<_, hms_db::Error>(())
    });
    written.await.unwrap();
    patients.sort_by_key(|patient| std::cmp::Reverse(patient.id));
    (own, database, patients)
}

/// A part of what somebody is called, as a person might type it, and sometimes a second one.
fn query(patients: &[Patient], random: &mut Rng) -> String {
    let mut words = Vec::new();
    for _ in 0..random.usize(1..3) {
        let patient = random.choice(patients).unwrap();
        let details = &patient.details;
        let name = if random.bool() { details.given_name.as_str() } else { details.family_name.as_str() };
        let letters: Vec<char> = name.chars().collect();
        let from = random.usize(0..letters.len());
        let part: String = letters[from..].iter().take(random.usize(1..6)).collect();
        words.push(match random.u8(0..3) {
            0 => part.to_uppercase(),
            1 => part.to_lowercase(),
            _ => part,
        });
    }
    words.join(" ")
}

/// Goes through all of them.
fn slowly(patients: &[Patient], search: &str) -> Vec<uuid::Uuid> {
    let words = words(search);
    let has = |patient: &&Patient| {
        let text = patient.search_text();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    patients.iter().filter(has).map(|patient| patient.id.uuid()).collect()
}

async fn ask(database: &Database, query: &str) -> (Vec<uuid::Uuid>, Option<i64>) {
    let list = List::<PatientFilters>::parse("/patients", query).unwrap();
    let now = Clock::system().now();
    let size = list.paging.size();
    let found = database
        .read(move |db| store::patient::list(db, &list, (Reach::Everyone, None), now, Known::default()));
    let (patients, count) = found.await.unwrap();
    (patients.iter().take(size).map(|patient| patient.id.uuid()).collect(), count)
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

on_both_back_ends! {
    async fn a_search_finds_what_a_look_at_everyone_finds(backend) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = Rng::with_seed(seed);
        let (_own, database, patients) = hospital(backend, &mut random).await;
        let mut searches: Vec<_> = (0..150).map(|_| query(&patients, &mut random)).collect();
        searches.extend(["oldman", "example", "old anna", "nobody at all", "n", "%"].map(str::to_owned));
        for search in searches {
            let expected = slowly(&patients, &search);
            let size = random.usize(1..40);
            let number = random.usize(1..4);
            let from = (number - 1) * size;
            let page: Vec<_> = expected.iter().skip(from).take(size).copied().collect();
            let asked = format!("search={}&page_size={size}", encoded(&search));
            let (found, count) = ask(&database, &format!("{asked}&page={number}")).await;
            assert_eq!(found, page, "{search:?}, page {number} of {size}");
            assert_eq!(count, i64::try_from(expected.len()).ok(), "{search:?}");
            let (mut leafed, mut cursor) = (Vec::new(), String::new());
            while leafed.len() < 100 {
                let (found, _) = ask(&database, &format!("{asked}&cursor={cursor}")).await;
                let Some(last) = found.last() else { break };
                cursor = Paging::cursor(*last);
                leafed.extend(found);
            }
            let first: Vec<_> = expected.iter().take(leafed.len()).copied().collect();
            assert_eq!(leafed, first, "{search:?} by cursor");
            assert!(leafed.len() >= expected.len().min(100), "{search:?} by cursor");
        }
    }

    async fn what_was_folded_otherwise_is_folded_anew(backend) {
        let mut random = Rng::with_seed(7);
        let (_own, database, patients) = hospital(backend, &mut random).await;
        let before = slowly(&patients, "jurgen");
        assert!(!before.is_empty());
        let spoil = "UPDATE patients SET search_text = lower(given_name), search_version = 1";
        database.write(move |db| db.batch_execute(spoil).map_err(hms_db::Error::from)).await.unwrap();
        assert!(ask(&database, "search=jurgen").await.0.is_empty());
        let mut rows = Vec::new();
        loop {
            match database.write(|db| store::patient::refold(db, 1_000)).await.unwrap() {
                0 => break,
                some => rows.push(some),
            }
        }
        assert_eq!(rows, [1_000, 1_000, 600]);
        assert_eq!(ask(&database, "search=jurgen&page_size=100").await.1, i64::try_from(before.len()).ok());
    }
}

/// Each way must be found by an index, also by a plan that is made for any word.
#[tokio::test]
async fn the_index_is_asked_on_postgres() {
    if !hms_testkit::database::wanted(Backend::Postgres) {
        return;
    }
    let (_own, database, _) = hospital(Backend::Postgres, &mut Rng::with_seed(7)).await;
    let plan = database.write(|db| {
        let Db::Pg(connection) = db else { panic!("it is PostgreSQL") };
        // So few are read through at once; the question is whether the index can be asked, also by a plan for any word.
        connection.batch_execute(
            "ANALYZE patients; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan",
        )?;
        let query = ByIndex { patterns: vec![like_pattern("smi"), like_pattern("\nan")] };
        let text = diesel::debug_query::<Pg, _>(&query).to_string();
        let text = text.split(" -- binds").next().unwrap_or_default().to_owned();
        connection.batch_execute(&format!("PREPARE by_index (text, text) AS {text}"))?;
        explained(connection, r"EXPLAIN EXECUTE by_index ('%smi%', '%an%')")
    });
    let plan = plan.await.unwrap();
    assert!(plan.contains("Bitmap Index Scan on patients_search"), "{plan}");
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// EXPLAIN has a column of a name that diesel's macros do not take.
fn explained(connection: &mut PgConnection, explain: &str) -> Result<String> {
    connection.batch_execute(&format!(
        "CREATE FUNCTION pg_temp.explained() RETURNS SETOF text LANGUAGE plpgsql AS
         $body$ BEGIN RETURN QUERY EXECUTE $explain${explain}$explain$; END $body$"
    ))?;
    let lines: Vec<Line> =
        diesel::sql_query("SELECT line FROM pg_temp.explained() AS line").load(connection)?;
    Ok(lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n"))
}

#[derive(QueryableByName)]
struct Detail {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[tokio::test]
async fn the_index_is_asked_on_sqlite() {
    if !hms_testkit::database::wanted(Backend::Sqlite) {
        return;
    }
    let (_own, database, _) = hospital(Backend::Sqlite, &mut Rng::with_seed(7)).await;
    let plan = database.read(|db| {
        let Db::Sqlite(connection) = db else { panic!("it is SQLite") };
        let explain = format!("EXPLAIN QUERY PLAN {BY_TRIGRAMS}");
        let query = diesel::sql_query(explain).bind::<Text, _>("\"smi\"").bind::<BigInt, _>(limit());
        let lines: Vec<Detail> = query.load(connection)?;
        Ok::<_, hms_db::Error>(lines.into_iter().map(|line| line.detail).collect::<Vec<_>>().join("\n"))
    });
    let plan = plan.await.unwrap();
    assert!(plan.contains("SEARCH patient_places USING INTEGER PRIMARY KEY"), "{plan}");
    assert!(plan.contains("SCAN patient_trigrams VIRTUAL TABLE INDEX 0:M"), "{plan}");
}

#[test]
fn the_words_become_what_fts5_reads() {
    assert_eq!(all_trigrams(&["smith", "\nli"]), "\"\nli\" AND \"ith\" AND \"mit\" AND \"smi\"");
    assert_eq!(all_trigrams(&["a\"b"]), "\"a\"\"b\"");
}

#[test]
fn the_longest_words_are_asked_for() {
    let words = ["a", "abcd", "abc", "abcdef", "abcde", "ab"].map(str::to_owned);
    assert_eq!(telling(&words, |word| word.len() > 1), ["abcdef", "abcde", "abcd", "abc"]);
}
