//! The routes.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    handler::Handler,
    http::{StatusCode, Uri, header::LOCATION},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use serde::Serialize;
use tokio::time::sleep;

use crate::{
    collatz,
    error::Error,
    orders::{NewOrder, OrderRequest},
    request::{Id, JsonBody, Unwanted, optional, required},
    store::Store,
    summarize::{SummarizeRequest, summarize},
    variant,
    views::{CustomerOrders, Product, Regions},
};

pub struct App {
    pub store: Store,
    pub cpus: usize,
    pub db_pool_size: usize,
}

type Shared = State<Arc<App>>;
type Answer = Result<Response, Error>;

pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/health", get_only(health))
        .route("/meta", get_only(meta))
        .route("/ping", get_only(async || "pong"))
        .route("/cpu/collatz", get_only(collatz_route))
        .route("/cpu/summarize", post_only(summarize_route))
        .route("/wait", get_only(wait))
        .route("/products/{id}", get_only(product))
        .route("/products/{id}/slow", get_only(product_slow))
        .route("/customers/{id}/orders", get_only(customer_orders))
        .route("/orders", post_only(create_order))
        .route("/reports/regions", get_only(regions))
        .fallback(async |_: Unwanted| Error::NotFound("There is no such route."))
        .with_state(app)
}

// axum's own answer to another method has no body, and its `allow` names HEAD, which the contract
// leaves undefined.
fn get_only<H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> MethodRouter<Arc<App>> {
    get(handler).fallback(async |_: Unwanted| Error::MethodNotAllowed("GET"))
}

fn post_only<H: Handler<T, Arc<App>>, T: 'static>(handler: H) -> MethodRouter<Arc<App>> {
    post(handler).fallback(async |_: Unwanted| Error::MethodNotAllowed("POST"))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

async fn health(State(app): Shared) -> (StatusCode, Json<Health>) {
    let (code, status) = if app.store.healthy().await {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting")
    };
    (code, Json(Health { status }))
}

#[derive(Serialize)]
struct Meta {
    target: &'static str,
    language: &'static str,
    runtime: &'static str,
    framework: &'static str,
    driver: &'static str,
    class: &'static str,
    cpus: usize,
    db_pool_size: usize,
}

async fn meta(State(app): Shared) -> Json<Meta> {
    Json(Meta {
        target: "rust",
        language: "Rust",
        runtime: env!("RUSTC_VERSION"),
        framework: concat!("axum ", env!("AXUM_VERSION")),
        driver: concat!("tokio-postgres ", env!("TOKIO_POSTGRES_VERSION")),
        class: variant::CLASS,
        cpus: app.cpus,
        db_pool_size: app.db_pool_size,
    })
}

async fn collatz_route(uri: Uri) -> Answer {
    let from = required(&uri, "from", 1..=1_000_000)?;
    let count = required(&uri, "count", 1..=100_000)?;
    Ok(Json(collatz::collatz(from, count).await).into_response())
}

async fn summarize_route(body: JsonBody) -> Answer {
    let request: SummarizeRequest = body.parse()?;
    Ok(Json(summarize(&request)?).into_response())
}

#[derive(Serialize)]
struct Waited {
    waited_ms: u64,
}

async fn wait(uri: Uri) -> Answer {
    let waited_ms = required(&uri, "ms", 0..=10_000)?;
    sleep(Duration::from_millis(waited_ms)).await;
    Ok(Json(Waited { waited_ms }).into_response())
}

const NO_PRODUCT: Error = Error::NotFound("There is no such product.");
const NO_CUSTOMER: Error = Error::NotFound("There is no such customer.");

async fn product(State(app): Shared, Id(id): Id) -> Answer {
    let row = app.store.product(id).await?.ok_or(NO_PRODUCT)?;
    Ok(Json(Product::from_row(&row)?).into_response())
}

async fn product_slow(State(app): Shared, Id(id): Id, uri: Uri) -> Answer {
    let ms = required(&uri, "ms", 0..=1000)?;
    let row = app.store.product_slow(id, ms).await?.ok_or(NO_PRODUCT)?;
    Ok(Json(Product::from_row(&row)?).into_response())
}

async fn customer_orders(State(app): Shared, Id(id): Id, uri: Uri) -> Answer {
    let limit = optional(&uri, "limit", 1..=100)?.unwrap_or(20);
    let rows = app.store.customer_orders(id, limit).await?;
    let orders = CustomerOrders::from_rows(&rows)?.ok_or(NO_CUSTOMER)?;
    Ok(Json(orders).into_response())
}

async fn create_order(State(app): Shared, body: JsonBody) -> Answer {
    let order = NewOrder::try_from(body.parse::<OrderRequest>()?)?;
    let created = app.store.place(&order).await?;
    let location = [(LOCATION, format!("/orders/{}", created.id))];
    Ok((StatusCode::CREATED, location, Json(created)).into_response())
}

async fn regions(State(app): Shared, uri: Uri) -> Answer {
    let days = required(&uri, "days", 1..=365)?;
    let rows = app.store.regions(days).await?;
    Ok(Json(Regions::from_rows(days, &rows)?).into_response())
}
