//! The database: its pool, and who may hold a connection for how long.

use std::{
    error,
    fmt::Display,
    iter,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use deadpool_postgres::{
    ClientWrapper, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod,
};
use futures_util::future::try_join_all;
use tokio::time::{sleep, timeout};
use tokio_postgres::{NoTls, Row, types::ToSql};

use crate::{
    config::Config,
    error::{Error, unavailable},
    orders::{NewOrder, OrderCreated},
    sql,
};

const CHECKOUT: Duration = Duration::from_secs(2);
/// The database ends a statement after 5 s by itself. A request that is still waiting a second
/// later waits for a database that does not answer at all.
const WORK: Duration = Duration::from_secs(6);
const RETRY: Duration = Duration::from_millis(100);

pub struct Store {
    pool: Pool,
    opened: AtomicBool,
    reachable: AtomicBool,
}

impl Store {
    pub fn new(config: &Config) -> Self {
        let mut database = config.database.clone();
        database
            .application_name("fitmap-rust")
            .options("-c statement_timeout=5000");
        let manager = Manager::from_config(
            database,
            NoTls,
            ManagerConfig {
                // Looks whether the connection is closed. The others send a statement on every
                // checkout.
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(config.db_pool_size)
            // The connection that was used last: its memory is still in the caches, at both ends.
            .queue_mode(QueueMode::Lifo)
            .build()
            .expect("only a timeout of the pool's own would need a runtime named");
        Self {
            pool,
            opened: AtomicBool::new(false),
            reachable: AtomicBool::new(true),
        }
    }

    /// Opens every connection of the pool, however long the database takes to appear.
    pub async fn open(&self) {
        while self.open_all().await.is_err() {
            sleep(RETRY).await;
        }
        self.note(None);
        self.opened.store(true, Ordering::Release);
        eprintln!("fitmap: ready");
    }

    async fn open_all(&self) -> Result<(), Error> {
        // Each is held until the last is open. One given back earlier would be handed out again in
        // place of a new one.
        let opening = (0..self.pool.status().max_size).map(|_| self.checkout());
        try_join_all(opening).await.map(drop)
    }

    /// Closes the connections that are idle, which at the end are all.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Always `false` before the pool has been opened, without asking the database.
    pub async fn healthy(&self) -> bool {
        self.opened.load(Ordering::Acquire) && self.query(sql::HEALTH, &[]).await.is_ok()
    }

    pub async fn product(&self, id: i32) -> Result<Option<Row>, Error> {
        self.query_opt(sql::PRODUCT, &[&id]).await
    }

    pub async fn product_slow(&self, id: i32, ms: i32) -> Result<Option<Row>, Error> {
        self.query_opt(sql::PRODUCT_SLOW, &[&id, &ms]).await
    }

    pub async fn customer_orders(&self, id: i32, limit: i32) -> Result<Vec<Row>, Error> {
        self.query(sql::CUSTOMER_ORDERS, &[&id, &limit]).await
    }

    pub async fn regions(&self, days: i32) -> Result<Vec<Row>, Error> {
        self.query(sql::REGIONS, &[&days]).await
    }

    pub async fn place(&self, order: &NewOrder) -> Result<OrderCreated, Error> {
        self.run(async |client| order.place(client).await).await
    }

    async fn query(
        &self,
        query: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        self.run(async |client| {
            let statement = client.prepare_cached(query).await?;
            Ok(client.query(&statement, parameters).await?)
        })
        .await
    }

    async fn query_opt(
        &self,
        query: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
        self.run(async |client| {
            let statement = client.prepare_cached(query).await?;
            Ok(client.query_opt(&statement, parameters).await?)
        })
        .await
    }

    /// Lends a connection to `work`, for a limited time.
    async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut ClientWrapper) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut loan = Loan(Some(self.checkout().await?));
        let client = loan.0.as_mut().expect("it is taken below, or on drop");
        let Ok(result) = timeout(WORK, work(client)).await else {
            return Err(Error::DatabaseTooSlow);
        };
        drop(loan.0.take());
        match &result {
            Ok(_) => self.note(None),
            Err(Error::DatabaseUnavailable(problem)) => self.note(Some(problem)),
            Err(_) => {}
        }
        result
    }

    async fn checkout(&self) -> Result<Object, Error> {
        // One deadline for waiting, recycling and connecting; the pool's own are one for each.
        let Ok(checkout) = timeout(CHECKOUT, self.pool.get()).await else {
            // A pool that is whole but busy says nothing about the database.
            let status = self.pool.status();
            if status.size < status.max_size {
                self.note(Some(&"no connection in time"));
            }
            return Err(unavailable("No connection became free in time."));
        };
        checkout.map_err(|error| {
            self.note(Some(&root_cause(&error)));
            unavailable("The database cannot be reached.")
        })
    }

    /// Logs that the database went or came back, once for each time that it does.
    fn note(&self, problem: Option<&dyn Display>) {
        let reachable = problem.is_none();
        // Nearly always nothing has changed, and a load costs less than a swap.
        if self.reachable.load(Ordering::Relaxed) == reachable
            || self.reachable.swap(reachable, Ordering::Relaxed) == reachable
        {
            return;
        }
        match problem {
            None => eprintln!("fitmap: the database is back"),
            Some(problem) => eprintln!("fitmap: the database is unreachable: {problem}"),
        }
    }
}

/// The driver's own text ends at "error connecting to server".
fn root_cause(error: &PoolError) -> &dyn error::Error {
    iter::successors(Some(error as &dyn error::Error), |error| error.source())
        .last()
        .unwrap_or(error)
}

/// A connection that is lent. It is taken out of here when the work on it has ended.
struct Loan(Option<Object>);

impl Drop for Loan {
    /// The work was dropped in the middle: it took too long, or the client hung up. What the server
    /// has been asked for goes on, so the connection stays lent until that has ended. To close it
    /// would end nothing: the pool would open another one beside it.
    fn drop(&mut self) {
        let Some(busy) = self.0.take() else {
            return;
        };
        tokio::spawn(async move {
            // The driver drops answers that nobody waits for, and rolls back. This message is no
            // statement: it is answered when all before it are. A server that takes longer than it
            // lets a statement take is frozen.
            if !matches!(timeout(WORK, busy.check_connection()).await, Ok(Ok(()))) {
                drop(Object::take(busy));
            }
        });
    }
}

#[cfg(test)]
mod tests;
