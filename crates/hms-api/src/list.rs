//! Lists: `?search=john&age__gte=18&status=active&ordering=-created_at&page=2`. A list names what it can be filtered
//! and ordered by with [`list_filters!`](crate::list_filters); anything else is a 400, never passed over.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hms_problem::{Code, Problem};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

const PAGE_SIZE: usize = 25;
const LARGEST_PAGE: usize = 100;
const LARGEST_NUMBER: usize = 1_000_000;

/// Comparisons with one field; all that are set must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Cmp<T> {
    /// Equal to.
    pub eq: Option<T>,
    /// Greater than.
    pub gt: Option<T>,
    /// Greater than or equal to.
    pub gte: Option<T>,
    /// Less than.
    pub lt: Option<T>,
    /// Less than or equal to.
    pub lte: Option<T>,
    /// One of.
    pub r#in: Option<Vec<T>>,
}

impl<T> Default for Cmp<T> {
    fn default() -> Self {
        Self { eq: None, gt: None, gte: None, lt: None, lte: None, r#in: None }
    }
}

/// Which comparisons a field knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `field` and `field__in`.
    Set,
    /// These, and `field__gt`, `__gte`, `__lt`, `__lte`.
    Range,
}

impl Kind {
    /// The suffixes of its comparisons.
    pub fn suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Set => &["", "__in"],
            Kind::Range => &["", "__gt", "__gte", "__lt", "__lte", "__in"],
        }
    }
}

impl<T: FromStr<Err: Display>> Cmp<T> {
    /// Takes `text` for the comparison of this suffix; false when the field does not know it.
    pub fn set(&mut self, kind: Kind, suffix: &str, text: &str) -> Result<bool, String> {
        if !kind.suffixes().contains(&suffix) {
            return Ok(false);
        }
        let one = |text: &str| text.parse::<T>().map_err(|error| error.to_string());
        match suffix {
            "" => self.eq = Some(one(text)?),
            "__gt" => self.gt = Some(one(text)?),
            "__gte" => self.gte = Some(one(text)?),
            "__lt" => self.lt = Some(one(text)?),
            "__lte" => self.lte = Some(one(text)?),
            _ => self.r#in = Some(text.split(',').map(one).collect::<Result<_, _>>()?),
        }
        Ok(true)
    }
}

/// What a list can be filtered and ordered by; made by [`list_filters!`](crate::list_filters).
pub trait Filters: Default + Send + 'static {
    /// The fields with their kinds, for the OpenAPI document.
    const FIELDS: &'static [(&'static str, Kind)];
    /// The fields that it can be ordered by.
    const ORDERINGS: &'static [&'static str];
    /// What `search` looks through, in words; none when the list cannot be searched.
    const SEARCH: Option<&'static str>;

    /// Takes one parameter; false when there is no such filter.
    fn set(&mut self, field: &str, suffix: &str, text: &str) -> Result<bool, String>;
}

/// Declares the filters of a list:
///
/// ```ignore
/// list_filters! {
///     /// What `GET /patients` can be filtered by.
///     pub struct PatientFilters {
///         status: PatientStatus = Set,
///         birth_date: NaiveDate = Range,
///     }
///     search: Some("names, MRN"),
///     ordering: ["created_at", "family_name"],
/// }
/// ```
#[macro_export]
macro_rules! list_filters {
    (
        $(#[$doc:meta])*
        $vis:vis struct $name:ident { $($field:ident: $type:ty = $kind:ident),* $(,)? }
        search: $search:expr,
        ordering: [$($ordering:literal),* $(,)?] $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        $vis struct $name { $(#[doc = concat!("Filters by `", stringify!($field), "`.")] pub $field: $crate::Cmp<$type>),* }

        impl $crate::Filters for $name {
            const FIELDS: &'static [(&'static str, $crate::list::Kind)] =
                &[$((stringify!($field), $crate::list::Kind::$kind)),*];
            const ORDERINGS: &'static [&'static str] = &[$($ordering),*];
            const SEARCH: Option<&'static str> = $search;

            fn set(&mut self, field: &str, suffix: &str, text: &str) -> Result<bool, String> {
                match field {
                    $(stringify!($field) => self.$field.set($crate::list::Kind::$kind, suffix, text),)*
                    _ => Ok(false),
                }
            }
        }
    };
}

/// The order that a client asks for; rows that are equal in it come newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The field.
    pub field: &'static str,
    /// From the largest down.
    pub descending: bool,
}

/// Which part of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By number, counted.
    Page {
        /// From 1.
        number: usize,
        /// Rows on a page.
        size: usize,
    },
    /// By cursor, newest first, not counted: its cost does not grow with depth.
    After {
        /// The last id of the page before; none at the beginning.
        id: Option<Uuid>,
        /// Rows on a page.
        size: usize,
    },
}

impl Paging {
    /// Rows on a page.
    pub fn size(self) -> usize {
        match self {
            Paging::Page { size, .. } | Paging::After { size, .. } => size,
        }
    }

    /// How many rows to ask for: one more than are shown tells whether there is a next page.
    pub fn limit(self) -> i64 {
        i64::try_from(self.size() + 1).unwrap_or(i64::MAX)
    }

    /// How many rows to pass over.
    pub fn offset(self) -> i64 {
        match self {
            Paging::Page { number, size } => i64::try_from((number - 1) * size).unwrap_or(i64::MAX),
            Paging::After { .. } => 0,
        }
    }

    /// The cursor that stands for the page after this id.
    pub fn cursor(id: Uuid) -> String {
        URL_SAFE_NO_PAD.encode(id.as_bytes())
    }
}

/// What a client asks of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct List<F> {
    /// The filters.
    pub filters: F,
    /// Text to look for.
    pub search: Option<String>,
    /// The order; none: newest first.
    pub order: Option<Order>,
    /// Which part of it.
    pub paging: Paging,
    path: String,
    others: Vec<(String, String)>,
}

impl<F: Filters> List<F> {
    /// Reads a query string; everything in it must be known.
    pub fn parse(path: &str, query: &str) -> Result<Self, Problem> {
        let pairs = serde_pairs(query)?;
        let mut list = Self {
            filters: F::default(),
            search: None,
            order: None,
            paging: Paging::Page { number: 1, size: PAGE_SIZE },
            path: path.to_owned(),
            others: Vec::new(),
        };
        let mut place = Place::default();
        for (name, value) in pairs {
            if !place.take(&name, &value)? {
                list.take(&name, &value)?;
            }
            if name != "page" && name != "cursor" {
                list.others.push((name, value));
            }
        }
        list.paging = place.paging()?;
        if matches!(list.paging, Paging::After { .. }) && list.order.is_some() {
            return Err(invalid("ordering", "a list by cursor is always newest first"));
        }
        Ok(list)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        match name {
            "search" if F::SEARCH.is_some() => {
                if value.chars().count() > 200 {
                    return Err(invalid("search", "must have at most 200 characters"));
                }
                self.search = Some(value.trim().to_owned()).filter(|text| !text.is_empty());
            }
            "ordering" => self.order = Some(order::<F>(value)?),
            _ => {
                let (field, suffix) = name.find("__").map_or((name, ""), |at| name.split_at(at));
                let known = self.filters.set(field, suffix, value).map_err(|reason| invalid(name, reason))?;
                if !known {
                    return Err(unknown::<F>(name));
                }
            }
        }
        Ok(())
    }

    /// How many rows there are in all, where the page at hand tells it: it is the last one and not beyond it.
    pub fn count_known(&self, rows: usize) -> Option<i64> {
        match self.paging {
            Paging::Page { number, size } if rows <= size && (rows > 0 || number == 1) => {
                i64::try_from((number - 1) * size + rows).ok()
            }
            _ => None,
        }
    }

    /// Whether the rows have to be counted by the database.
    pub fn must_count(&self, rows: usize) -> bool {
        matches!(self.paging, Paging::Page { .. }) && self.count_known(rows).is_none()
    }

    /// The list with all that narrows it, whichever part of it and in whatever order: by this its rows are told from those
    /// of another.
    pub fn narrowed(&self) -> String {
        let narrows = |(name, _): &&(String, String)| !matches!(name.as_str(), "page_size" | "ordering");
        let pairs: Vec<_> = self.others.iter().filter(narrows).collect();
        format!("{}?{pairs:?}", self.path)
    }

    pub(crate) fn link(&self, name: &str, value: &str) -> String {
        let pairs =
            self.others.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([(name, value)]);
        let query: Vec<_> =
            pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        format!("{}?{}", self.path, query.join("&"))
    }
}

/// Percent-encodes what is not unreserved (RFC 3986, 2.3).
fn encode(text: &str) -> String {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|b| if unreserved(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[derive(Default)]
struct Place {
    number: Option<usize>,
    size: Option<usize>,
    cursor: Option<Option<Uuid>>,
}

impl Place {
    fn take(&mut self, name: &str, value: &str) -> Result<bool, Problem> {
        match name {
            "page" => self.number = Some(within(name, value, LARGEST_NUMBER)?),
            "page_size" => self.size = Some(within(name, value, LARGEST_PAGE)?),
            "cursor" => self.cursor = Some(cursor(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn paging(self) -> Result<Paging, Problem> {
        let size = self.size.unwrap_or(PAGE_SIZE);
        match (self.cursor, self.number) {
            (Some(_), Some(_)) => Err(invalid("page", "a list has either page or cursor")),
            (Some(id), None) => Ok(Paging::After { id, size }),
            (None, number) => Ok(Paging::Page { number: number.unwrap_or(1), size }),
        }
    }
}

fn within(name: &str, value: &str, most: usize) -> Result<usize, Problem> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| invalid(name, format!("must be a number from 1 to {most}")))
}

/// An empty cursor is the beginning of the list.
fn cursor(value: &str) -> Result<Option<Uuid>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(value).ok();
    let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    id.map(Some).ok_or_else(|| invalid("cursor", "is none of ours"))
}

fn order<F: Filters>(value: &str) -> Result<Order, Problem> {
    let (name, descending) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
    let field = F::ORDERINGS.iter().find(|field| **field == name);
    field.map(|field| Order { field, descending }).ok_or_else(|| {
        invalid("ordering", format!("must be one of: {}, each also with -", F::ORDERINGS.join(", ")))
    })
}

fn unknown<F: Filters>(name: &str) -> Problem {
    let known: Vec<_> = F::FIELDS.iter().map(|(field, _)| *field).collect();
    Problem::new(Code::UnknownFilter)
        .message(format!("{name}: no such filter"))
        .detail("field", name)
        .detail("known", known)
}

fn invalid(name: &str, reason: impl Display) -> Problem {
    Problem::field(Code::InvalidRequest, name, reason)
}

fn serde_pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query);
    pairs.map(|pairs| pairs.into_inner()).map_err(|_| invalid("query", "is not well formed"))
}

impl<F: Filters> FromRequest for List<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.path(), request.query_string()))
    }
}

impl<F: Filters> IntoParams for List<F> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = |name: &str, meaning: String| parameter(name, meaning, Type::String);
        let mut params = vec![
            parameter("page", format!("The page, from 1 to {LARGEST_NUMBER} (1)."), Type::Integer),
            parameter(
                "page_size",
                format!("Rows on a page, 1 to {LARGEST_PAGE} ({PAGE_SIZE})."),
                Type::Integer,
            ),
            text("cursor", "Empty for the first page by cursor, then as `next` has it.".into()),
            text("ordering", format!("One of {}, each also with `-` before it.", F::ORDERINGS.join(", "))),
        ];
        params.extend(F::SEARCH.map(|through| text("search", format!("Text to look for in {through}."))));
        for (field, kind) in F::FIELDS {
            let names = kind.suffixes().iter().map(|suffix| format!("{field}{suffix}"));
            params.extend(names.map(|name| text(&name, format!("Filters by {field}."))));
        }
        params
    }
}

fn parameter(name: &str, meaning: String, kind: Type) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(meaning))
        .schema(Some(ObjectBuilder::new().schema_type(kind).build()))
        .build()
}
