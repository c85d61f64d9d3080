//! Tables that are right and tables that are not.

use hms_model::service::SERVICES;

use super::*;

#[test]
fn a_file_names_services_deployed_elsewhere() {
    let table = RouteTable::parse(
        r#"
        [[upstream]]
        name = "appointment"
        url = "http://appointment:8002"
        resources = ["appointments"]

        [[upstream]]
        name = "user"
        url = "http://[::1]/"
        resources = ["patients", "practitioners"]
        "#,
    )
    .unwrap();
    assert_eq!(table.find("appointments").unwrap().upstream.address(), "appointment:8002");
    assert_eq!(table.find("patients").unwrap().upstream.address(), "[::1]:80");
    assert_eq!(table.find("patients/7/visits").unwrap().upstream.name(), "user");
    assert_eq!(table.find("services/appointment/dead-letters").unwrap().upstream.name(), "appointment");
    for nothing in ["bookings", "services", "services/", "services/patients", "services/auth/dead-letters"] {
        assert!(table.find(nothing).is_none(), "{nothing}");
    }
    assert_eq!(table.upstreams().count(), 2);
}

#[test]
fn the_list_of_services_makes_a_table() {
    let table = RouteTable::of_services(0).unwrap();
    assert_eq!(table.upstreams().count(), SERVICES.len());
}

#[test]
fn a_table_that_cannot_be_right_is_refused_with_the_reason() {
    let entry = |name: &str, url: &str, resource: &str| {
        format!("[[upstream]]\nname = {name:?}\nurl = {url:?}\nresources = [{resource:?}]\n")
    };
    let good = entry("user", "http://user:8001", "patients");
    let cases = [
        (String::new(), "there is no [[upstream]]"),
        ("[[upstreams]]".into(), "unknown field `upstreams`"),
        (format!("{good}timeout = 3"), "unknown field `timeout`"),
        (format!("{good}{}", entry("user", "http://b", "b")), r#"upstream "user": the name must be"#),
        (
            format!("{good}{}", entry("other", "http://b", "patients")),
            r#""patients" is claimed by "user" and by "other""#,
        ),
        (entry("user", "user:8001", "patients"), "must begin with http://"),
        (entry("user", "https://user", "patients"), "must begin with http://"),
        (entry("user", "http://", "patients"), "is not a URL"),
        (entry("user", "http://user:99999", "patients"), "is not a URL"),
        (entry("user", "http://user/api", "patients"), "must end after host and port"),
        (entry("user", "http://user?a=1", "patients"), "must end after host and port"),
        (entry("user", "http://me:pw@user", "patients"), "must not hold a user"),
        (entry("user", "http://user", "Patients"), "cannot be a resource"),
        (entry("user", "http://user", "a/b"), "cannot be a resource"),
        (entry("user", "http://user", ""), "cannot be a resource"),
        (entry("user", "http://user", "docs"), "cannot be a resource"),
        (entry("user", "http://user", "v2"), "cannot be a resource"),
        (entry("user", "http://user", "services"), "cannot be a resource"),
    ];
    for (text, reason) in cases {
        let error = RouteTable::parse(&text).expect_err(&text).to_string();
        assert!(error.contains(reason), "{text}\n{error}");
    }
}
