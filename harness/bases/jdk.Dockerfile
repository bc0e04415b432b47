ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
ARG JDK
# binutils: jlink strips with objcopy.
RUN apt-get update && apt-get install -y --no-install-recommends openjdk-${JDK}-jdk-headless binutils \
    && rm -rf /var/lib/apt/lists/*
