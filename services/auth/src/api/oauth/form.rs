//! Bodies of `application/x-www-form-urlencoded`, refused in OAuth's own words.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::OauthError;
use crate::domain::oauth::error::ErrorCode;

/// The parameters of a request; one that stands there twice is an error (RFC 6749, 3.2), one that is not known is passed
/// over.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = OauthError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, OauthError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<T>::from_request(request, payload);
        Box::pin(async move {
            let refused =
                "the body must be application/x-www-form-urlencoded, each parameter once and as documented";
            let form = form.await.map_err(|_| OauthError::new(ErrorCode::InvalidRequest, refused))?;
            Ok(Self(form.into_inner()))
        })
    }
}
