# Up to the sources the same steps as the Dockerfile, which share their layers.
ARG DEBIAN_IMAGE=debian:trixie-slim
FROM ${DEBIAN_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        cmake g++ libboost-json1.88-dev libboost-url1.88-dev libboost1.88-dev libpq-dev libsimdjson-dev ninja-build \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src

RUN apt-get update && apt-get install -y --no-install-recommends clang-format clang-tidy && rm -rf /var/lib/apt/lists/*
COPY .clang-format .clang-tidy CMakeLists.txt ./
COPY src src
COPY tests tests
RUN clang-format --dry-run --Werror src/* tests/*
# Warnings are errors, and the tests run with the sanitizers of addresses and of undefined behaviour. Leaks need ptrace,
# which a build may not have.
RUN cmake -S . -B /build -G Ninja -D CMAKE_BUILD_TYPE=Debug -D CHECKS=ON -D CMAKE_EXPORT_COMPILE_COMMANDS=ON \
    && cmake --build /build \
    && ASAN_OPTIONS=detect_leaks=0 ctest --test-dir /build --output-on-failure
# It reads g++'s options, and does not know all of them.
RUN printf '%s\n' src/*.cpp tests/*.cpp \
    | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p /build --extra-arg=-Wno-unknown-warning-option
