//! One page of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::list::{Filters, List, Paging};

/// `{"count","next","previous","results"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// How many there are in all; null in the cursor form, which does not count.
    pub count: Option<i64>,
    /// Where the next page is, relative to this one; null on the last.
    pub next: Option<String>,
    /// Where the page before is; null on the first, and in the cursor form.
    pub previous: Option<String>,
    /// What is on this page.
    pub results: Vec<T>,
}

impl<T> Page<T> {
    /// Cuts `rows`, of which one more than the page's size was asked for, and says what comes before and after.
    /// `count` is as [`List::count_known`] or the database has it.
    pub fn new<F: Filters>(
        list: &List<F>,
        mut rows: Vec<T>,
        count: Option<i64>,
        id: impl Fn(&T) -> Uuid,
    ) -> Self {
        let size = list.paging.size();
        let more = rows.len() > size;
        rows.truncate(size);
        match list.paging {
            Paging::Page { number, .. } => Self {
                count,
                next: more.then(|| list.link("page", &(number + 1).to_string())),
                previous: (number > 1).then(|| list.link("page", &(number - 1).to_string())),
                results: rows,
            },
            Paging::After { .. } => {
                let last =
                    rows.last().filter(|_| more).map(|row| list.link("cursor", &Paging::cursor(id(row))));
                Self { count: None, next: last, previous: None, results: rows }
            }
        }
    }

    /// The same page with each result made into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            count: self.count,
            next: self.next,
            previous: self.previous,
            results: self.results.into_iter().map(f).collect(),
        }
    }
}
