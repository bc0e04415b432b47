//! Every way in which a request can fail, and how it is answered.

use std::{borrow::Cow, error::Error as _, io};

use axum::{
    Json,
    http::{StatusCode, header::ALLOW},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio_postgres::error::SqlState;

#[derive(Debug)]
pub enum Error {
    BadRequest(Cow<'static, str>),
    NotFound(&'static str),
    /// Carries the one method that the route has.
    MethodNotAllowed(&'static str),
    OutOfStock,
    TooLarge,
    TooSlow,
    UnsupportedMediaType,
    DatabaseUnavailable(&'static str),
    /// What the request asked of the database took too long, which says nothing about others.
    DatabaseTooSlow,
    Internal,
}

pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::BadRequest(detail.into())
}

pub fn unavailable(detail: &'static str) -> Error {
    Error::DatabaseUnavailable(detail)
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::QUERY_CANCELED) => Self::DatabaseTooSlow,
            // Classes: 08 connection, 53 resources (too many connections, say), 57 an operator's
            // intervention.
            Some(state) if ["08", "53", "57"].contains(&&state.code()[..2]) => {
                unavailable("The database refused to work.")
            }
            None if is_connection(&error) => unavailable("The connection to the database failed."),
            _ => {
                // A bug, so it is an event worth a line. The client learns nothing of it.
                eprintln!("fitmap: {error:?}");
                Self::Internal
            }
        }
    }
}

fn is_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<io::Error>)
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    detail: &'a str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error, detail) = match &self {
            Self::BadRequest(detail) => (StatusCode::BAD_REQUEST, "bad_request", &**detail),
            Self::NotFound(detail) => (StatusCode::NOT_FOUND, "not_found", *detail),
            Self::MethodNotAllowed(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This route has another method.",
            ),
            Self::OutOfStock => (
                StatusCode::CONFLICT,
                "out_of_stock",
                "There is too little stock of a product.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The body is larger than 1048576 bytes.",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                "The body took longer than 10 s.",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The content type must be application/json.",
            ),
            Self::DatabaseUnavailable(detail) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                *detail,
            ),
            Self::DatabaseTooSlow => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                "The database took too long.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The service made a mistake.",
            ),
        };
        let body = (status, Json(Body { error, detail }));
        match self {
            Self::MethodNotAllowed(allow) => ([(ALLOW, allow)], body).into_response(),
            _ => body.into_response(),
        }
    }
}
