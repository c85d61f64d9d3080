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
        (entry("user", "http://user", "a//b"), "cannot be a resource"),
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

/// Two services, and what follows.
fn with(rest: &str) -> Result<RouteTable, TableError> {
    let services = ["user", "audit"].map(|name| {
        format!("[[upstream]]\nname = {name:?}\nurl = \"http://{name}\"\nresources = [\"{name}s\"]\n")
    });
    RouteTable::parse(&(services.concat() + rest))
}

#[test]
fn the_longest_prefix_wins_and_a_named_segment_before_any() {
    let table = with(
        r#"
        [[group]]
        name = "bulk"
        body_limit = 10
        [[route]]
        prefix = "users/*/photo"
        upstream = "user"
        group = "bulk"
        [[route]]
        prefix = "users/me/photo"
        upstream = "audit"
        [[route]]
        prefix = "users/import"
        upstream = "user"
        group = "bulk"
        "#,
    )
    .unwrap();
    for (path, prefix, upstream, group) in [
        ("users", "users", "user", "default"),
        ("users/7", "users", "user", "default"),
        ("users/7/photo", "users/*/photo", "user", "bulk"),
        ("users/7/photo/small", "users/*/photo", "user", "bulk"),
        ("users/me/photo", "users/me/photo", "audit", "default"),
        ("users/7/photos", "users", "user", "default"),
        ("users//photo", "users", "user", "default"),
        ("users/import", "users/import", "user", "bulk"),
        ("users/imported", "users", "user", "default"),
        ("services/audit/dead-letters", "services/audit", "audit", "default"),
    ] {
        let route = table.find(path).expect(path);
        let found = (&*route.prefix, route.upstream.name(), &*route.group);
        assert_eq!(found, (prefix, upstream, group), "{path}");
    }
    assert_eq!(table.find("users/import").unwrap().body_limit, Some(10));
    assert_eq!((table.largest_body(5), table.largest_body(50)), (10, 50));
    assert_eq!(table.groups().collect::<Vec<_>>(), ["bulk", "default"]);
}

#[test]
fn routes_and_groups_that_cannot_be_right_are_refused_with_the_reason() {
    for (rest, reason) in [
        ("[[route]]\nprefix = 'users/new'\nupstream = 'nobody'", r#"there is no upstream "nobody""#),
        ("[[route]]\nprefix = 'users/new'\nupstream = 'user'\ngroup = 'x'", r#"there is no group "x""#),
        ("[[route]]\nprefix = 'users'\nupstream = 'audit'", r#"is claimed by "user" and by "audit""#),
        ("[[route]]\nprefix = '*/new'\nupstream = 'user'", "the prefix must be"),
        ("[[route]]\nprefix = 'users//new'\nupstream = 'user'", "the prefix must be"),
        ("[[route]]\nprefix = 'docs/new'\nupstream = 'user'", "the prefix must be"),
        ("[[route]]\nprefix = 'users/n'\nupstream = 'user'\nstream_idle_ms = 0", "stream_idle_ms"),
        ("[[route]]\nprefix = 'users/n'\nupstream = 'user'\nsunset = { date = 'soon' }", "parse error"),
        ("[[route]]\nprefix = 'users/n'\nupstream = 'user'\ntimeout = 1", "unknown field"),
        ("[[group]]\nname = 'a'\n[[group]]\nname = 'a'", r#"group "a""#),
        ("[[group]]\nname = 'A b'", r#"group "A b""#),
        ("[[upstream]]\nname = 'x'\nresources = []", "there must be a url"),
        ("[[upstream]]\nname = 'x'\nendpoints = ['http://a', 'http://a:80']", "is named twice"),
        ("[[upstream]]\nname = 'x'\nendpoints = [{ url = 'http://a', weight = 0 }]", "must have a weight"),
        (
            "[[upstream]]\nname = 'x'\nurl = 'http://a'\nsettings = { retry = { attempts = 9 } }",
            "retry.attempts",
        ),
        ("[[upstream]]\nname = 'x'\nurl = 'http://a'\nsettings = { retry = { tries = 9 } }", "unknown field"),
    ] {
        let error = with(rest).expect_err(rest).to_string();
        assert!(error.contains(reason), "{rest}\n{error}");
    }
}

#[test]
fn the_example_of_a_file_is_right_in_what_it_names() {
    let table = RouteTable::parse(include_str!("../../../deploy/gateway/routes.toml")).unwrap();
    for route in table.routes() {
        let service = SERVICES.iter().find(|service| service.name == route.upstream.name()).unwrap();
        assert!(service.resources.contains(&&*route.prefix), "{}", route.prefix);
    }
    let named: usize = SERVICES.iter().map(|service| service.resources.len()).sum();
    assert_eq!(table.routes().len(), named, "a service or a resource is missing");
    assert_eq!(table.find("appointments/7").unwrap().upstream.endpoints().len(), 2);
}
