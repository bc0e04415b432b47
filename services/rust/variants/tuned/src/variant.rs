//! What this build calls itself, and its allocator.

use mimalloc::MiMalloc;

pub const CLASS: &str = "tuned";

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
