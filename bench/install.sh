#!/usr/bin/env bash
# bench/install.sh [spark|flink ...]: the peers of `make bench` under build/deps. Does nothing when they are there.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
FLINK=$PWD/build/deps/flink
VERSION=2.2.0

# Some poms name repositories of their own; everything comes from Maven's built-in one.
maven_settings() {
    local jar url
    jar=$(ls "$(dirname "$(readlink -f "$(command -v mvn)")")"/../lib/maven-model-builder*.jar | head -1)
    url=$(unzip -p "$jar" org/apache/maven/model/pom-4.0.0.xml | grep -o 'https://[^<]*' | grep repo | head -1)
    echo "<settings><mirrors><mirror><id>all</id><mirrorOf>*</mirrorOf><url>$url</url></mirror></mirrors></settings>"
}

dependency() {
    echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"
}

# Table API, file system and JSON; hashmap and RocksDB state. No server: the job runs in its own JVM.
flink() {
    [ -f "$FLINK/stamp" ] && return
    mkdir -p "$FLINK"
    maven_settings >"$FLINK/settings.xml"
    {
        echo '<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version><dependencies>'
        for name in table-planner-loader table-runtime table-api-java-bridge clients connector-files statebackend-rocksdb json; do
            dependency org.apache.flink "flink-$name" "$VERSION"
        done
        echo '</dependencies></project>'
    } >"$FLINK/pom.xml"
    (cd "$FLINK" && mvn -q -B -s settings.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars)
    touch "$FLINK/stamp"
}

spark() {
    tests/interop/install.sh spark
}

for what in "${@:-spark flink}"; do
    for one in $what; do
        "$one"
    done
done
