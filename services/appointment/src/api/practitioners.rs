//! `/api/v1/practitioners/…`: what this service knows of practitioners beside the user service.

pub mod calendar;
