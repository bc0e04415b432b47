//! What a request brings, checked: path and query parameters, and JSON bodies.

use std::{convert::Infallible, fmt, marker::PhantomData, ops::RangeInclusive, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{HeaderMap, Uri, header::CONTENT_TYPE, request::Parts},
};
use http_body_util::BodyExt;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use tokio::time::timeout;

use crate::error::{Error, bad_request};

const MAX_BODY: usize = 1_048_576;
const BODY: Duration = Duration::from_secs(10);
/// What is read, and dropped, of a body that is too large. See `read`.
const MAX_DRAINED: usize = 8 * MAX_BODY;

/// One to ten ASCII digits. `str::parse` alone would take a sign, and any number of zeros.
pub fn parse_integer(text: &str) -> Option<u64> {
    let digits = (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn integer<T>(name: &str, text: &str, range: RangeInclusive<T>) -> Result<T, Error>
where
    T: TryFrom<u64> + PartialOrd + fmt::Display,
{
    parse_integer(text)
        .and_then(|value| T::try_from(value).ok())
        .filter(|value| range.contains(value))
        .ok_or_else(|| {
            let (min, max) = range.into_inner();
            bad_request(format!(
                "The parameter {name} must be an integer from {min} to {max}."
            ))
        })
}

/// The `{id}` of a path.
pub struct Id(pub i32);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| bad_request("The path is not UTF-8."))?;
        let id = parameters.iter().next().map_or("", |(_, value)| value);
        integer("id", id, 1..=i32::MAX).map(Self)
    }
}

/// A query parameter; `None` when it is absent.
pub fn optional<T>(uri: &Uri, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, Error>
where
    T: TryFrom<u64> + PartialOrd + fmt::Display,
{
    let query = uri.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => integer(name, &value, range).map(Some),
        (Some(_), Some(_)) => Err(bad_request(format!("The parameter {name} is given twice."))),
    }
}

pub fn required<T>(uri: &Uri, name: &str, range: RangeInclusive<T>) -> Result<T, Error>
where
    T: TryFrom<u64> + PartialOrd + fmt::Display,
{
    optional(uri, name, range)?
        .ok_or_else(|| bad_request(format!("The parameter {name} is missing.")))
}

/// A body of the right type and size. It is parsed in a second step, so that the result can borrow
/// from it.
pub struct JsonBody(Vec<u8>);

impl JsonBody {
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        match serde_json::from_slice(&self.0) {
            Ok(Object(value)) => Ok(value),
            Err(error) => Err(bad_request(format!(
                "The body is not what it should be: {error}."
            ))),
        }
    }
}

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        let json = is_json(request.headers());
        let body = read_in_time(request.into_body()).await;
        if json {
            body.map(Self)
        } else {
            Err(Error::UnsupportedMediaType)
        }
    }
}

/// A body that nobody wants. See `read` for why it is read all the same.
pub struct Unwanted;

impl<S: Sync> FromRequest<S> for Unwanted {
    type Rejection = Infallible;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Infallible> {
        let _ = read_in_time(request.into_body()).await;
        Ok(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// hyper closes the connection when a body was not read to its end.
async fn read_in_time(body: Body) -> Result<Vec<u8>, Error> {
    timeout(BODY, read(body))
        .await
        .unwrap_or(Err(Error::TooSlow))
}

/// Reads on past the limit for a while: an answer given while the client still sends would end in a
/// reset connection, and the client might never see it.
async fn read(mut body: Body) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| bad_request("The body broke off."))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= MAX_BODY {
            bytes.extend_from_slice(&data);
        } else if length > MAX_DRAINED {
            break;
        }
    }
    if length > MAX_BODY {
        return Err(Error::TooLarge);
    }
    Ok(bytes)
}

/// A JSON object, and only that: the `Deserialize` that serde derives for a struct takes an array
/// of its fields as well.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests;
