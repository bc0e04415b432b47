//! `GET /cpu/collatz`.

use serde::Serialize;
use tokio::task::yield_now;

/// After so many walks (about 0.1 ms) the worker looks after its other connections; the longest
/// request would otherwise keep them waiting for some 15 ms.
const SLICE: u64 = 1000;

#[derive(Debug, PartialEq, Serialize)]
pub struct Collatz {
    from: u64,
    count: u64,
    longest_start: u64,
    longest_steps: u64,
    total_steps: u64,
}

pub async fn collatz(from: u64, count: u64) -> Collatz {
    let mut result = Collatz {
        from,
        count,
        longest_start: from,
        longest_steps: 0,
        total_steps: 0,
    };
    let end = from + count;
    let mut start = from;
    loop {
        let slice_end = end.min(start + SLICE);
        result.walk(start, slice_end);
        if slice_end == end {
            return result;
        }
        start = slice_end;
        yield_now().await;
    }
}

impl Collatz {
    fn walk(&mut self, from: u64, to: u64) {
        for start in from..to {
            let steps = steps(start);
            self.total_steps += steps;
            if steps > self.longest_steps {
                self.longest_steps = steps;
                self.longest_start = start;
            }
        }
    }
}

fn steps(start: u64) -> u64 {
    let mut n = start;
    let mut steps = 0;
    while n != 1 {
        n = if n.is_multiple_of(2) {
            n / 2
        } else {
            3 * n + 1
        };
        steps += 1;
    }
    steps
}

#[cfg(test)]
mod tests;
