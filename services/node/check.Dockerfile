# Up to the dependencies of the build the same steps as the Dockerfile, which share their layers.
ARG NODE_IMAGE=node:26-trixie-slim

FROM ${NODE_IMAGE} AS dependencies
# Node.js brings its own certificates. Behind TLS inspection npm needs those of the image.
ENV NODE_USE_SYSTEM_CA=1
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force

FROM dependencies AS check
RUN npm ci && npm cache clean --force
COPY tsconfig.json tsconfig.build.json biome.json ./
COPY src ./src
COPY tests ./tests
RUN npx biome ci
RUN npx tsc
RUN node --test
