# Formatting, lint and unit tests; the first steps are the Dockerfile's, so that their layers are shared.
ARG MAVEN_IMAGE=maven:3-eclipse-temurin-25
FROM ${MAVEN_IMAGE}
WORKDIR /build
COPY .mvn .mvn
COPY pom.xml .
RUN mvn -B -q dependency:go-offline
COPY src src
ARG RELEASE=25
RUN mvn -B --no-transfer-progress -P check -Dmaven.compiler.release=${RELEASE} spotless:check verify
