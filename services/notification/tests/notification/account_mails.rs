//! Mails about accounts: sent once, with the link, and then forgotten.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::Text;
use hms_db::Db;
use hms_model::event::{
    AccountInvited, AccountMailFacts, AccountPasswordResetRequested, AccountVerificationRequested, Envelope,
};
use hms_model::id::Id;
use hms_model::{OneTimeToken, Secret};
use hms_testkit::{on_both_back_ends, until};

use crate::common::{App, files, outgoing};
use crate::invitations::unquoted;

const SECRET: &str = "the-secret-of-this-mail";

fn facts(app: &App) -> AccountMailFacts {
    AccountMailFacts {
        account_id: Id::new(app.clock.now()),
        version: 1,
        email: "ann@example.org".into(),
        token: OneTimeToken::new(Secret::new(SECRET)),
        expires_at: app.clock.now() + TimeDelta::minutes(30),
        language: None,
    }
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Each mail in a line: what it is for, what has become of it, and what is still known of it.
async fn rows(app: &App) -> Vec<String> {
    let query = "SELECT kind || ' ' || status || ' ' || coalesce(recipient, '-') || ' ' || coalesce(body, '-') AS text \
                 FROM account_mails ORDER BY id";
    let read = app
        .database
        .read(move |db: &mut Db| Ok::<Vec<Line>, hms_db::Error>(diesel::sql_query(query).load(db)?));
    read.await.unwrap().into_iter().map(|line| line.text).collect()
}

on_both_back_ends! {
    async fn each_is_sent_with_its_link_and_forgotten(backend) {
        let app = App::start_with(backend, &[("HMS_PUBLIC_URL", "https://hms.example")]).await;
        app.deliver(&AccountVerificationRequested(facts(&app))).await;
        app.deliver(&AccountInvited(facts(&app))).await;
        app.deliver(&AccountPasswordResetRequested(facts(&app))).await;
        let sent = until("three mails", 10, async || {
            let rows = rows(&app).await;
            rows.iter().all(|row| row.ends_with(" sent - -")).then_some(rows)
        })
        .await;
        assert_eq!(sent, [
            "account.verification sent - -", "account.invitation sent - -", "account.password_reset sent - -",
        ]);
        let folder = app.folder.path().join("outgoing");
        let mails: Vec<String> =
            files(&folder).iter().map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
        assert_eq!(mails.len(), 3);
        for page in ["verify", "invitation", "reset-password"] {
            let link = format!("https://hms.example/account/{page}#token");
            assert!(mails.iter().any(|mail| mail.contains("To: ann@example.org") && mail.contains(&link)), "{page}");
        }
        let told = serde_json::to_string(&app.published().await).unwrap();
        assert!(!told.contains(SECRET) && !told.contains("ann@example.org"), "{told}");
    }

    async fn it_speaks_the_language_of_the_account_and_else_that_of_the_house(backend) {
        let app = App::start_with(backend, &[("HMS_LANGUAGE", "fr"), ("HMS_ZONE", "Europe/Paris")]).await;
        for (language, subject, part) in [
            (Some("de-AT"), "Ihr Konto", "bis Montag, 2. März 2026, 09:30 CET."),
            (None, "Votre compte", "jusqu'au lundi 2 mars 2026, 09:30 CET."),
        ] {
            let invited = AccountMailFacts { language: language.map(str::to_owned), ..facts(&app) };
            app.deliver(&AccountInvited(invited)).await;
            let subject = format!("Subject: {subject}\r\n");
            let mail = until("the mail", 10, async || outgoing(&app, ".eml").into_iter().find(|mail| mail.contains(&subject))).await;
            let (_, body) = mail.split_once("\r\n\r\n").unwrap();
            let mail = String::from_utf8(unquoted(body)).unwrap();
            assert!(mail.contains(part), "{mail}");
        }
        app.stop().await;
    }

    async fn an_event_that_comes_twice_mails_once(backend) {
        let app = App::start(backend).await;
        let now = app.clock.now();
        let event = AccountInvited(facts(&app));
        let envelope = Envelope::of("auth", &event, Id::new(now), now).unwrap();
        app.deliver_envelope(envelope.clone()).await.unwrap();
        app.deliver_envelope(envelope).await.unwrap();
        assert_eq!(rows(&app).await.len(), 1);
    }

    async fn what_is_of_no_use_any_more_is_not_sent(backend) {
        let app = App::start(backend).await;
        let mut late = facts(&app);
        late.expires_at = app.clock.now();
        app.deliver(&AccountPasswordResetRequested(late)).await;
        let given_up = until("the end of the mail", 10, async || {
            rows(&app).await.pop().filter(|row| !row.contains("pending"))
        });
        assert_eq!(given_up.await, "account.password_reset failed - -");
        assert!(files(&app.folder.path().join("outgoing")).is_empty());
    }
}
