//! A task of the service is woken by a delivery that has committed, and by no other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    dead_code,
    reason = "a test may fail by panic, and needs only some of what is common"
)]

mod common;

use std::sync::Arc;

use common::effects::{self, note};
use common::{World, change, department, wrap};
use futures_util::FutureExt;
use hms_bus::{ConsumeError, Consumer};
use hms_model::event::DepartmentUpdated;
use tokio::sync::Notify;

hms_testkit::on_both_back_ends! {
    async fn a_task_is_woken_after_the_commit(backend) {
        let world = World::new(backend, &["appointment"]);
        let task = Arc::new(Notify::new());
        let sleeper = Arc::clone(&task);
        let consumer = Consumer::new("appointment").on(move |delivery, event: DepartmentUpdated| {
            note(delivery)?;
            delivery.wake_after_commit(&sleeper);
            if event.0.version == 1 { Err(ConsumeError::retry("not this one")) } else { Ok(()) }
        });
        let appointment = world.start("appointment", consumer).await;

        appointment.bus.deliver(wrap("user", &change(department(), 1))).await.unwrap_err();
        assert!(task.notified().now_or_never().is_none(), "it was rolled back");
        appointment.bus.deliver(wrap("user", &change(department(), 2))).await.unwrap();
        task.notified().now_or_never().expect("it was committed");
        assert_eq!(effects::all(&appointment.database).await.len(), 1);
        appointment.bus.stop().await;
    }
}
