# Rust as trixie-backports carries it: trixie's own is a year older.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends -t trixie-backports cargo rustc rustfmt rust-clippy \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
