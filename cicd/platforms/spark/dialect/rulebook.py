"""The rules that only stage files of Spark can break."""

from __future__ import annotations

from collections.abc import Mapping

from cicd.config.rulebook import Rule

RULES: Mapping[str, Rule] = {
    "bad-program": Rule(
        "A job has no class for a jar, or one for Python; or two of its files have one name.",
        "Apache Spark: spark-submit --class",
        "name main_class for jars only, and give each file another name",
    ),
    "too-little-memory": Rule(
        "A driver or executor has less memory than Spark starts with.",
        "Apache Spark: UnifiedMemoryManager, reserved memory",
        "ask for 512m or more",
    ),
    "no-staging": Rule(
        "Workers on other machines cannot see the files of this one.",
        "Apache Spark: cluster deploy mode",
        "set spark.staging to a folder that the workers see under the same path, or to S3",
    ),
    "secret-in-conf": Rule(
        "A property is called like a secret: the command line of a driver shows it to everybody.",
        "Apache Spark: Launch Command in the log of a driver",
        "hand it over in env, or in a file of the workers",
    ),
    "wrong-master": Rule(
        "A key does nothing with the master that the stage has.",
        "Apache Spark: master URLs",
        "take it out",
    ),
    "no-image": Rule(
        "A job on Kubernetes says nothing of the image that its driver and executors run in.",
        "Apache Spark: Running on Kubernetes, spark.kubernetes.container.image",
        "set spark.kubernetes.container.image in spark.conf",
    ),
    "bad-login": Rule(
        "A login has no token, key or client, or more than one, is of no use, or is sent in plain.",
        "Apache Spark: JWS filter; RFC 6749, 4.4",
        "give one of token, signing_key, and token_url with client_id and client_secret",
    ),
    "bad-metric-pattern": Rule(
        "The pattern of a metric is none, or has not just one group for the value.",
        "cicd: metrics from the log",
        "write a regular expression with one group: accuracy=([0-9.]+)",
    ),
    "bad-metrics-file": Rule(
        "The file of metrics is at a place that cannot be read from here.",
        "cicd: metrics from a file",
        "name an address of file, s3a or hdfs, or NAME/metrics.json below an output",
    ),
    "bad-fetch": Rule(
        "What a job has made cannot be fetched from there, or not into that folder.",
        "cicd: outputs that are fetched",
        "name a folder of its own, and fetch from file, s3a or hdfs",
    ),
    "unremembered": Rule(
        "A run of CI forgets its jobs: each push would run all of them again.",
        "cicd: memory of jobs",
        "set spark.state to a folder that all runs share, or to S3",
    ),
}
