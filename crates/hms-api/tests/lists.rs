//! What a list understands, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

use chrono::NaiveDate;
use hms_api::{List, Order, Page, Paging, list_filters};
use hms_problem::Code;
use uuid::Uuid;

list_filters! {
    /// For the tests.
    pub struct Fields {
        status: String = Set,
        age: u16 = Range,
        birth_date: NaiveDate = Range,
    }
    search: Some("names"),
    ordering: ["created_at", "name"],
}

fn parse(query: &str) -> Result<List<Fields>, hms_problem::Problem> {
    List::parse("/api/v1/things", query)
}

#[test]
fn filters_are_read_with_their_types() {
    let list =
        parse("search=jo%20hn&age__gte=18&age__lt=65&status__in=a,b&ordering=-name&page=3&page_size=10")
            .unwrap();
    assert_eq!(list.search.as_deref(), Some("jo hn"));
    assert_eq!((list.filters.age.gte, list.filters.age.lt), (Some(18), Some(65)));
    assert_eq!(list.filters.status.r#in, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(list.order, Some(Order { field: "name", descending: true }));
    assert_eq!(list.paging, Paging::Page { number: 3, size: 10 });
    assert_eq!((list.paging.limit(), list.paging.offset()), (11, 20));
}

#[test]
fn what_is_not_known_is_refused() {
    let cases = [
        ("color=red", Code::UnknownFilter),
        ("status__gt=a", Code::UnknownFilter),
        ("age__like=1", Code::UnknownFilter),
        ("age=old", Code::InvalidRequest),
        ("birth_date=2023-02-30", Code::InvalidRequest),
        ("ordering=age", Code::InvalidRequest),
        ("page=0", Code::InvalidRequest),
        ("page=-1", Code::InvalidRequest),
        ("page=two", Code::InvalidRequest),
        ("page_size=101", Code::InvalidRequest),
        ("cursor=zzz", Code::InvalidRequest),
        ("cursor=&page=2", Code::InvalidRequest),
        ("cursor=&ordering=name", Code::InvalidRequest),
    ];
    for (query, code) in cases {
        assert_eq!(parse(query).unwrap_err().code(), code, "{query}");
    }
}

#[test]
fn pages_link_to_each_other_and_keep_the_filters() {
    let list = parse("status=a%26b&page=2&page_size=2").unwrap();
    let page = Page::new(&list, vec![1, 2, 3], Some(9), |_| Uuid::nil());
    assert_eq!(page.results, [1, 2]);
    assert_eq!(page.next.as_deref(), Some("/api/v1/things?status=a%26b&page_size=2&page=3"));
    assert_eq!(page.previous.as_deref(), Some("/api/v1/things?status=a%26b&page_size=2&page=1"));
    let next = page.next.unwrap();
    let again = parse(next.split_once('?').unwrap().1).unwrap();
    assert_eq!(again.filters, list.filters);
}

#[test]
fn a_cursor_leads_on_from_the_last_row() {
    let list = parse("cursor=&page_size=2").unwrap();
    let ids = [Uuid::from_u128(3), Uuid::from_u128(2), Uuid::from_u128(1)];
    let page = Page::new(&list, ids.to_vec(), None, |id| *id);
    let next = page.next.unwrap();
    let list = parse(next.split_once('?').unwrap().1).unwrap();
    assert_eq!(list.paging, Paging::After { id: Some(Uuid::from_u128(2)), size: 2 });
}

#[test]
fn the_last_page_need_not_be_counted() {
    let list = parse("page=3&page_size=10").unwrap();
    assert_eq!(list.count_known(4), Some(24));
    assert!(!list.must_count(4));
    assert!(list.must_count(11), "there is more");
    assert!(list.must_count(0), "beyond the end");
    assert_eq!(parse("").unwrap().count_known(0), Some(0));
}
