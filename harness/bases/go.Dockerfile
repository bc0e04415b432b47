ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
ARG PACKAGE
# A package with a version in its name puts nothing on the PATH.
RUN apt-get update && apt-get install -y --no-install-recommends -t trixie-backports ${PACKAGE} \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && { command -v go >/dev/null || ln -s /usr/lib/go-*/bin/* /usr/local/bin/; }
ENV GOTOOLCHAIN=local
