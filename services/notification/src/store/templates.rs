//! The words of messages, as people have written them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Key, Result, each};
use hms_model::Language;

use crate::domain::{ChannelKind, Kind, Template, TemplateKey, Words};
use crate::schema::notification_templates::{self, self as templates};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = templates)]
struct Row {
    id: Key,
    kind: Code<Kind>,
    channel: Code<ChannelKind>,
    language: Code<Language>,
    version: i64,
    subject: String,
    body: String,
    author_id: Key,
    created_at: At,
}

/// The newest version; none where nobody has written one.
pub fn newest(db: &mut Db, key: TemplateKey) -> Result<Option<Template>> {
    Ok(versions(db, key, 1)?.pop())
}

/// The words that messages are made of now.
pub fn words(db: &mut Db, key: TemplateKey) -> Result<Words> {
    Ok(newest(db, key)?.map_or_else(|| Words::built_in(key), |template| template.words))
}

/// The words that messages are made of now, of each of these.
pub fn all_words(db: &mut Db, keys: &BTreeSet<TemplateKey>) -> Result<BTreeMap<TemplateKey, Words>> {
    let mut words: BTreeMap<TemplateKey, Words> =
        keys.iter().map(|key| (*key, Words::built_in(*key))).collect();
    if keys.is_empty() {
        return Ok(words);
    }
    let kinds: BTreeSet<_> = keys.iter().map(|key| Code(key.kind)).collect();
    let channels: BTreeSet<_> = keys.iter().map(|key| Code(key.channel)).collect();
    let languages: BTreeSet<_> = keys.iter().map(|key| Code(key.language)).collect();
    let rows: Vec<Row> = each!(db, connection => {
        let newer = diesel::alias!(notification_templates as newer);
        let newer = newer
            .filter(newer.field(templates::kind).eq(templates::kind))
            .filter(newer.field(templates::channel).eq(templates::channel))
            .filter(newer.field(templates::language).eq(templates::language))
            .filter(newer.field(templates::version).gt(templates::version));
        templates::table
            .filter(templates::kind.eq_any(kinds))
            .filter(templates::channel.eq_any(channels))
            .filter(templates::language.eq_any(languages))
            .filter(not(exists(newer)))
            .select(Row::as_select())
            .load(connection)
    })?;
    for template in rows.into_iter().map(Row::template) {
        // Not all that these three make up together are wanted.
        if let Some(wanted) = words.get_mut(&template.key) {
            *wanted = template.words;
        }
    }
    Ok(words)
}

/// The versions, latest first.
pub fn versions(db: &mut Db, key: TemplateKey, limit: i64) -> Result<Vec<Template>> {
    let rows: Vec<Row> = templates::table
        .filter(templates::kind.eq(Code(key.kind)))
        .filter(templates::channel.eq(Code(key.channel)))
        .filter(templates::language.eq(Code(key.language)))
        .order(templates::version.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(Row::template).collect())
}

/// The newest version of all that somebody has written.
pub fn all(db: &mut Db) -> Result<Vec<Template>> {
    let order = (templates::kind, templates::channel, templates::language, templates::version.desc());
    let rows: Vec<Row> = templates::table.order(order).select(Row::as_select()).load(db)?;
    let mut newest: Vec<Template> = rows.into_iter().map(Row::template).collect();
    newest.dedup_by_key(|template| template.key);
    Ok(newest)
}

/// Adds a version. False where there is one of that number already.
pub fn add(db: &mut Db, template: &Template) -> Result<bool> {
    let row = Row {
        id: template.id.into(),
        kind: template.key.kind.into(),
        channel: template.key.channel.into(),
        language: template.key.language.into(),
        version: template.version,
        subject: template.words.subject.clone(),
        body: template.words.body.clone(),
        author_id: template.author.into(),
        created_at: template.created_at.into(),
    };
    Ok(diesel::insert_into(templates::table).values(row).or_ignore().execute(db)? == 1)
}

impl Row {
    fn template(self) -> Template {
        Template {
            id: self.id.into(),
            key: TemplateKey { kind: self.kind.0, channel: self.channel.0, language: self.language.0 },
            version: self.version,
            words: Words { subject: self.subject, body: self.body },
            author: self.author_id.into(),
            created_at: self.created_at.into(),
        }
    }
}
