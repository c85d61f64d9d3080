//! Accounts: what the admins do with those of other people, and what they share with who registers.

pub mod change;
pub mod create;
pub mod delete;
pub mod erasing;
pub mod forget_factor;
pub mod get;
pub mod invitations;
pub mod list;

use hms_model::audit::Action;
use hms_model::{Coded, Secret};
use hms_problem::{Code, Problem};
use hms_service::{Act, Call, Reply, Work};

use crate::State;
use crate::api::auth::mails;
use crate::domain::account::{self, Account, NewAccount, Refusal};
use crate::domain::password;
use crate::store::accounts;
use crate::store::links::{self, Record};

/// Makes an account with a password. Whoever is not signed in makes it for themselves.
pub async fn make<R>(
    call: &Call<R>,
    state: &State,
    new: NewAccount,
    password: Secret,
) -> Result<Reply, Problem> {
    password::check(password.expose(), &new.names())
        .map_err(|weakness| Problem::field(Code::WeakPassword, "password", weakness))?;
    call.tell_repetitions_by(without_password(&new).as_bytes());
    let hash = state.hashing.hash(password).await?;
    let anonymous = call.claims().is_err();
    call.write(move |work| {
        check_records(work, &new)?;
        let account = account::register(new, work.new_id(), work.now)?;
        accounts::insert(work.db, &account, &hash).map_err(duplicate)?;
        work.publish(&account.registered())?;
        let act = Act::new(Action::Create, "account").on(account.id);
        work.audit(if anonymous { act.by(account.id, account.roles.clone()) } else { act })?;
        if !account.email_verified {
            mails::request_verification(work, &account.email, Some(&account))?;
        }
        let path = format!("/api/v1/accounts/{}", account.id);
        Ok(Reply::created(&account)?.version(account.version).at(path))
    })
    .await
}

/// What tells a repeated request from another one: all of it but the password.
fn without_password(new: &NewAccount) -> String {
    let roles: Vec<_> = new.roles.iter().map(|role| role.code()).collect();
    let [patient, practitioner] =
        [new.patient_id.map(|id| id.to_string()), new.practitioner_id.map(|id| id.to_string())]
            .map(Option::unwrap_or_default);
    let names = new.names().join(" ");
    format!("{names}\n{}\n{patient}\n{practitioner}", roles.join(" "))
}

/// An account must not carry the id of a record that nobody knows.
pub fn check_records(work: &mut Work<'_>, new: &NewAccount) -> Result<(), Problem> {
    let named = [
        ("patient_id", new.patient_id.map(Record::Patient)),
        ("practitioner_id", new.practitioner_id.map(Record::Practitioner)),
    ];
    for (field, record) in named {
        if let Some(record) = record
            && !links::is_known(work.db, record)?
        {
            return Err(Problem::field(Code::UnknownReference, field, "there is no such record"));
        }
    }
    Ok(())
}

pub fn duplicate(error: hms_db::Error) -> Problem {
    match accounts::taken_name(&error) {
        Some(field) => Problem::field(Code::Duplicate, field, "there is an account with it already"),
        None => error.into(),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let field = match refusal {
            Refusal::NoRoles => "roles",
            Refusal::OwnAccount | Refusal::AdminsOwn => "status",
        };
        Problem::field(Code::Unprocessable, field, refusal)
    }
}

/// The answer that shows one account.
fn shown(account: &Account) -> Result<Reply, Problem> {
    Ok(Reply::ok(account)?.version(account.version))
}
