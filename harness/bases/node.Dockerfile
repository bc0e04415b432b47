# Node.js as its own project builds it, from the npm package that carries the binary: Debian's is older. Debian's npm, which
# fetches it, and what that needs stay in a stage of their own.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE} AS packages
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
ARG NODE
ARG NPM
RUN npm install --global --prefix /opt/node --ignore-scripts --no-audit --no-fund \
    "node-linux-$(node --print process.arch)@${NODE}" "npm@${NPM}"

FROM ${DEBIAN_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=packages /opt/node /usr/local
RUN node --version && npm --version
