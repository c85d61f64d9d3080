//! Billing: what services cost, who owes what, what was paid, and the ledger in which all of it stands. The promises:
//! every entry balances, invoice numbers have no gaps, and the lines of an invoice sum to its total.

mod api;
mod books;
mod config;
mod courier;
mod domain;
mod dunning;
mod events;
mod pdf;
mod provider;
mod schema;
mod store;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hms_bus::Consumer;
use hms_service::{Context, Program};
use utoipa_actix_web::service_config::ServiceConfig;

use config::Config;
use courier::Courier;
use hms_model::Secret;
use provider::PaymentIntents;
use tokio::sync::Notify;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/billing");

/// The billing service.
pub struct Service;

/// What starts it: its own `main`, and `hms up`.
pub static PROGRAM: Program = Program::of::<Service>();

/// What the handlers share.
pub struct State {
    config: Arc<Config>,
    /// The payment provider's way in, where there is one.
    provider: Option<ProviderState>,
}

/// What handlers need of the payment provider.
struct ProviderState {
    /// What its webhooks are signed with.
    webhook_secret: Secret,
    /// Wakes the courier that speaks to it.
    wake: Arc<Notify>,
}

impl hms_service::Service for Service {
    const NAME: &'static str = "billing";
    const ABOUT: &'static str =
        "Catalogue, invoices, payments, insurance claims and the double-entry ledger.";
    type State = State;

    fn migrations() -> EmbeddedMigrations {
        MIGRATIONS
    }

    fn routes(routes: &mut ServiceConfig<'_>) {
        billing(routes);
        accounting(routes);
    }

    fn root_routes(routes: &mut ServiceConfig<'_>) {
        routes.service(api::internal::book);
    }

    fn consumer(state: &Arc<State>) -> Consumer {
        events::consumer(&state.config)
    }

    async fn start(context: &Context) -> anyhow::Result<State> {
        let config = Arc::new(Config::read(&context.settings)?);
        let (own, steps) = (context.giving_way(), config.dunning);
        context.tasks.spawn(move |stop| dunning::run(own, steps, stop));
        let provider = config.provider.clone().map(|settings| {
            let wake = Arc::new(Notify::new());
            let courier =
                Courier::new(context.giving_way(), PaymentIntents::new(&settings), Arc::clone(&wake));
            context.tasks.spawn(|stop| courier.run(stop));
            ProviderState { webhook_secret: settings.webhook_secret, wake }
        });
        Ok(State { config, provider })
    }
}

fn billing(routes: &mut ServiceConfig<'_>) {
    use api::{catalogue, claims, coverages, dunning, invoices, payers, payments};
    routes
        .service(catalogue::create::create)
        .service(catalogue::list::list)
        .service(catalogue::get::get)
        .service(catalogue::update::update)
        .service(catalogue::price::add)
        .service(invoices::create::create)
        .service(invoices::list::list)
        .service(invoices::get::get)
        .service(invoices::pdf::pdf)
        .service(invoices::update::update)
        .service(invoices::issue::issue)
        .service(invoices::void::void)
        .service(invoices::write_off::write_off)
        .service(invoices::credit::credit)
        .service(invoices::apply_credit::apply_credit)
        .service(dunning::dun)
        .service(payments::create::create)
        .service(payments::list::list)
        .service(payments::reconcile::reconcile)
        .service(payments::webhook::webhook)
        .service(payments::get::get)
        .service(payments::refund::refund)
        .service(payers::create::create)
        .service(payers::list::list)
        .service(payers::get::get)
        .service(coverages::create::create)
        .service(coverages::list::list)
        .service(coverages::get::get)
        .service(claims::list::list)
        .service(claims::get::get)
        .service(claims::submit::submit)
        .service(claims::accept::accept)
        .service(claims::reject::reject);
}

fn accounting(routes: &mut ServiceConfig<'_>) {
    use api::{accounts, entries, periods, reports};
    routes
        .service(accounts::create::create)
        .service(accounts::list::list)
        .service(entries::create::create)
        .service(entries::list::list)
        .service(entries::get::get)
        .service(entries::reverse::reverse)
        .service(periods::list::list)
        .service(periods::close::close)
        .service(reports::trial_balance::trial_balance)
        .service(reports::income_statement::income_statement)
        .service(reports::balance_sheet::balance_sheet)
        .service(reports::receivables::receivables)
        .service(reports::revenue::revenue);
}
