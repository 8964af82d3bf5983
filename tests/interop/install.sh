#!/usr/bin/env bash
# Installs the independent readers and writers of Delta tables under build/deps: deltalake (PyPI) and
# pyspark with Delta's jars (PyPI and Maven). Does nothing when they are there.
# usage: tests/interop/install.sh [deltalake|spark ...]     (default: both)
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
DEPS=$PWD/build/deps
VENV=$DEPS/venv
SPARK_VERSION=4.2.0
DELTA_ARTIFACT=io.delta:delta-spark_4.2_2.13:4.4.0

venv() {
    [ -x "$VENV/bin/pip" ] || python3 -m venv "$VENV"
}

deltalake() {
    venv
    "$VENV/bin/python" -c 'import deltalake, pyarrow' 2>/dev/null ||
        "$VENV/bin/pip" install -q deltalake pyarrow
}

# Some poms name repositories of their own; everything comes from Maven's built-in one.
maven_settings() {
    local jar url
    jar=$(ls "$(dirname "$(readlink -f "$(command -v mvn)")")"/../lib/maven-model-builder*.jar | head -1)
    url=$(unzip -p "$jar" org/apache/maven/model/pom-4.0.0.xml | grep -o 'https://[^<]*' | grep repo | head -1)
    echo "<settings><mirrors><mirror><id>all</id><mirrorOf>*</mirrorOf><url>$url</url></mirror></mirrors></settings>"
}

spark() {
    venv
    [ -f "$DEPS/spark/stamp" ] && return
    "$VENV/bin/python" -c 'import pyspark' 2>/dev/null ||
        "$VENV/bin/pip" install -q "pyspark==$SPARK_VERSION"
    mkdir -p "$DEPS/spark"
    maven_settings >"$DEPS/spark/settings.xml"
    IFS=: read -r group artifact version <<<"$DELTA_ARTIFACT"
    cat >"$DEPS/spark/pom.xml" <<POM
<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<dependencies><dependency><groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version></dependency></dependencies></project>
POM
    (cd "$DEPS/spark" && mvn -q -B -s settings.xml dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory=jars)
    # What pyspark ships, in whatever version, must not be there twice.
    local own jar
    own=$(ls "$VENV"/lib/python3*/site-packages/pyspark/jars)
    for jar in "$DEPS"/spark/jars/*.jar; do
        jar=$(basename "$jar")
        if grep -q "^${jar%%-[0-9]*}-[0-9]" <<<"$own"; then
            rm "$DEPS/spark/jars/$jar"
        fi
    done
    touch "$DEPS/spark/stamp"
}

for what in "${@:-deltalake spark}"; do
    for one in $what; do
        "$one"
    done
done
