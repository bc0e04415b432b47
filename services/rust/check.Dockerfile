ARG RUST_IMAGE=rust:1-slim-trixie
FROM ${RUST_IMAGE}
ENV CARGO_BUILD_TARGET=host-tuple
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo fetch --locked --target host-tuple

# The official image has rustup, which lacks these two at first; Debian's packages know no rustup and have them.
RUN if command -v rustup; then rustup component add rustfmt clippy; fi
RUN cargo clippy --locked --all-targets && cargo test --locked

COPY src src
RUN touch src/main.rs \
    && cargo fmt --check \
    && cargo clippy --locked --all-targets -- -D warnings \
    && cargo test --locked
