# Format, lint (compiler warnings are errors) and unit tests; the first steps are the Dockerfile's.
ARG MAVEN_IMAGE=maven:3-eclipse-temurin-25
FROM ${MAVEN_IMAGE}
WORKDIR /src
COPY pom.xml ./
RUN mvn --batch-mode --no-transfer-progress dependency:go-offline
COPY src src
ARG RELEASE=25
RUN mvn --batch-mode --no-transfer-progress -Dkotlin.compiler.jvmTarget=${RELEASE} spotless:check test
