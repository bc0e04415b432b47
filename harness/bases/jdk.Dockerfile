ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
# binutils: jlink strips with objcopy.
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-25-jdk-headless binutils \
    && rm -rf /var/lib/apt/lists/*
