//! `POST /orders`.

use deadpool_postgres::{ClientWrapper, Transaction};
use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use crate::{
    error::{Error, bad_request},
    request::Object,
    sql,
};

const MAX_LINES: usize = 20;
const MAX_QUANTITY: i32 = 100;

#[derive(Deserialize)]
pub struct OrderRequest {
    customer_id: i32,
    lines: Vec<Object<LineRequest>>,
}

#[derive(Deserialize)]
struct LineRequest {
    product_id: i32,
    quantity: i32,
}

/// A checked order, in columns as the statements want it. Products are in ascending order, so that
/// two orders can't wait for each other's rows.
#[derive(Debug)]
pub struct NewOrder {
    customer_id: i32,
    product_ids: Vec<i32>,
    quantities: Vec<i32>,
}

#[derive(Serialize)]
pub struct OrderCreated {
    pub id: i64,
    pub total_cents: i64,
}

impl TryFrom<OrderRequest> for NewOrder {
    type Error = Error;

    fn try_from(request: OrderRequest) -> Result<Self, Error> {
        let mut lines = request.lines;
        if request.customer_id < 1 || lines.iter().any(|Object(line)| line.product_id < 1) {
            return Err(bad_request("An id is not within 1 to 2147483647."));
        }
        if !(1..=MAX_LINES).contains(&lines.len()) {
            return Err(bad_request("An order has 1 to 20 lines."));
        }
        if !(lines.iter()).all(|Object(line)| (1..=MAX_QUANTITY).contains(&line.quantity)) {
            return Err(bad_request("A quantity is not within 1 to 100."));
        }
        lines.sort_unstable_by_key(|Object(line)| line.product_id);
        if lines
            .windows(2)
            .any(|pair| pair[0].0.product_id == pair[1].0.product_id)
        {
            return Err(bad_request("A product is in two lines."));
        }
        Ok(Self {
            customer_id: request.customer_id,
            product_ids: lines.iter().map(|Object(line)| line.product_id).collect(),
            quantities: lines.iter().map(|Object(line)| line.quantity).collect(),
        })
    }
}

impl NewOrder {
    pub async fn place(&self, client: &mut ClientWrapper) -> Result<OrderCreated, Error> {
        let transaction = client.transaction().await?;
        match self.place_in(&transaction).await {
            Ok(created) => {
                transaction.commit().await?;
                Ok(created)
            }
            Err(error) => {
                // Awaited: dropping the transaction would leave the rollback to run into the
                // connection's next request. Should it fail, the connection is broken, and the
                // database has rolled back by itself.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    async fn place_in(&self, transaction: &Transaction<'_>) -> Result<OrderCreated, Error> {
        let lock_products = transaction.prepare_cached(sql::LOCK_PRODUCTS).await?;
        let products = transaction
            .query(&lock_products, &[&self.product_ids])
            .await?;
        if products.len() < self.product_ids.len() {
            return Err(Error::NotFound("There is no such product."));
        }
        let mut prices = Vec::with_capacity(products.len());
        let mut total_cents = 0;
        for (product, &quantity) in products.iter().zip(&self.quantities) {
            let price_cents: i32 = product.try_get(1)?;
            let stock: i32 = product.try_get(2)?;
            if stock < quantity {
                return Err(Error::OutOfStock);
            }
            total_cents += i64::from(price_cents) * i64::from(quantity);
            prices.push(price_cents);
        }

        let take_stock = transaction.prepare_cached(sql::TAKE_STOCK).await?;
        transaction
            .execute(&take_stock, &[&self.product_ids, &self.quantities])
            .await?;

        let insert_order = transaction.prepare_cached(sql::INSERT_ORDER).await?;
        let order = transaction
            .query_one(&insert_order, &[&self.customer_id, &total_cents])
            .await
            .map_err(|error| match error.code() {
                Some(&SqlState::FOREIGN_KEY_VIOLATION) => {
                    Error::NotFound("There is no such customer.")
                }
                _ => error.into(),
            })?;
        let id: i64 = order.try_get(0)?;

        let insert_lines = transaction.prepare_cached(sql::INSERT_LINES).await?;
        transaction
            .execute(
                &insert_lines,
                &[&id, &self.product_ids, &self.quantities, &prices],
            )
            .await?;
        Ok(OrderCreated { id, total_cents })
    }
}

#[cfg(test)]
mod tests;
