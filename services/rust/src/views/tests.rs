use serde_json::json;
use time::macros::datetime;

use super::*;

#[test]
fn instants_are_utc_with_whole_seconds() {
    let order = Order {
        id: 1,
        created_at: datetime!(2025-12-31 23:59:59.999_999 UTC),
        status: "new",
        total_cents: 2,
        lines: 3,
    };
    let order = serde_json::to_value(order).unwrap();
    assert_eq!(order["created_at"], json!("2025-12-31T23:59:59Z"));
}
