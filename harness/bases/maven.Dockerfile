# Debian's maven would bring Debian's default JRE (21) beside a newer JDK; Maven itself runs on either.
ARG JDK_IMAGE
FROM ${JDK_IMAGE}
RUN apt-get update && apt-get install -y --no-install-recommends maven \
    && update-alternatives --set java "$(dirname "$(readlink -f "$(command -v javac)")")/java" \
    && rm -rf /var/lib/apt/lists/*
ENV JAVA_HOME=/usr/lib/jvm/fitmap-jdk
RUN ln -s "$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")" /usr/lib/jvm/fitmap-jdk && mvn --version
