"""The shape of Spark's stage files as msgspec structs. Names are Spark's own, in snake case."""

from typing import Annotated, Literal

from msgspec import Meta, field

from cicd.config.fields import Part, Plain, SecretText, like, named
from cicd.config.schema import RunItem, StageBase, Timeout
from cicd.values import Ref

_HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s/:,\[\]]+):[0-9]+"
_HTTP = r"https?://[^\s/@?#]+(/[^\s?#]*)?"
_KUBERNETES = r"k8s://(https?://)?(\[[0-9A-Fa-f:.]+\]|[^\s/@?#:\[\]]+)(:[0-9]+)?(/[^\s?#]*)?"
ANY_MASTER = rf"^(spark://{_HOST}(,{_HOST})*|local(\[([0-9]+|\*)\])?|{_HTTP}|yarn|{_KUBERNETES})$"
MASTERS = "spark://host:7077, https://livy:8998, k8s://https://host:6443, yarn or local[*]"
URL = f"^{_HTTP}$"
ADDRESS = "an address like http://host:port, without login and query"
_URL = like(URL, ADDRESS, 1024)
CLASS = r"^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
PRINCIPAL = r"^[^\s@/]+(/[^\s@/]+)*(@[^\s@/]+)?$"
MEMORY = r"^[1-9][0-9]{0,6}[kKmMgGtT]$"
_MEMORY = like(MEMORY, "a number and a unit: 512m, 2g")
_CONF = named(r"^spark\.\S+$", "a name that begins with spark.")
_ENV = named(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _")
Conf = dict[Annotated[str, _CONF], Plain]
Count = Annotated[int, Meta(ge=1)]


class Kerberos(Part, frozen=True, kw_only=True):
    principal: Annotated[
        Annotated[str, like(PRINCIPAL, "a principal like spark/edge@EXAMPLE.COM", 1024)],
        Meta(description="Who logs in.", examples=["spark/edge@EXAMPLE.COM"]),
    ]
    keytab: Annotated[
        Plain,
        Meta(description="File of this machine with its keys.", examples=["/etc/spark.keytab"]),
    ]


class Login(Part, frozen=True, kw_only=True):
    token: Annotated[
        SecretText | None, Meta(description="A bearer token, only as ${env.NAME}.")
    ] = None
    signing_key: Annotated[
        SecretText | None,
        Meta(
            description="The secretKey of Spark's JWS filter, which short tokens are signed with, "
            "only as ${env.NAME}."
        ),
    ] = None
    token_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="Where OAuth tokens are granted to client_id.",
            examples=["https://login.example.com/oauth/token"],
        ),
    ] = None
    client_id: Annotated[Plain | None, Meta(description="Client of the OAuth login.")] = None
    client_secret: Annotated[
        SecretText | None, Meta(description="Its secret, only as ${env.NAME}.")
    ] = None
    scope: Annotated[
        Plain | None, Meta(description="Scope of the OAuth token.", examples=["spark.submit"])
    ] = None


class Spark(Part, frozen=True, kw_only=True):
    master: Annotated[
        Annotated[
            str,
            like(ANY_MASTER, MASTERS, 1024),
        ]
        | None,
        Meta(
            description="The cluster, or the address of a Livy server before it, or local[*], "
            "which is this machine; default: SPARK_MASTER.",
            examples=["spark://host:7077", "yarn", "k8s://https://host:6443", "https://livy:8998"],
        ),
    ] = None
    submit: Annotated[
        Literal["rest", "spark-submit"],
        Meta(
            description="How: rest, with the driver on a worker; or spark-submit, with the driver "
            "on this machine, which has Spark.",
        ),
    ] = "rest"
    spark_home: Annotated[
        Plain | None,
        Meta(
            description="Where Spark is, for spark-submit; default: SPARK_HOME, else a pyspark "
            "of this project.",
            examples=["/opt/spark"],
        ),
    ] = None
    rest_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="The master's REST server, which jobs are submitted to; default: "
            "SPARK_REST_URL, else port 6066 of the master.",
            examples=["http://host:6066"],
        ),
    ] = None
    ui_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="The master's web page; default: SPARK_UI_URL, else port 8080 of the "
            "master.",
            examples=["http://host:8080"],
        ),
    ] = None
    history_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="The history server, which is asked for what all others have forgotten.",
            examples=["http://history:18080"],
        ),
    ] = None
    login: Annotated[
        Login | None,
        Meta(
            description="For a REST server or a Livy behind a gateway: one of token, signing_key, "
            "and token_url with client_id and client_secret.",
        ),
    ] = None
    yarn_url: Annotated[
        Annotated[str, _URL] | Annotated[list[Annotated[str, _URL]], Meta(min_length=1)] | None,
        Meta(
            description="The resource manager, with the master yarn; of several, all of which one "
            "is active.",
            examples=["http://resourcemanager:8088"],
        ),
    ] = None
    yarn_logs_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="Where YARN has the logs of containers that are gone: its "
            "yarn.log.server.web-service.url.",
            examples=["http://jobhistory:19888/ws/v1/history"],
        ),
    ] = None
    hdfs_url: Annotated[
        Annotated[str, _URL] | None,
        Meta(
            description="The web address of HDFS (WebHDFS, HttpFS), by which what jobs have made "
            "is read; default: port 9870 of the name node in its URL.",
            examples=["http://namenode:9870"],
        ),
    ] = None
    kerberos: Annotated[
        Kerberos | None,
        Meta(
            description="With spark-submit: a ticket for each driver, renewed while it runs.",
        ),
    ] = None
    proxy_user: Annotated[
        Plain | None,
        Meta(
            description="Who jobs run as, where spark-submit or Livy may say that.",
            examples=["ann"],
        ),
    ] = None
    state: Annotated[
        Plain | None,
        Meta(
            description="Folder, or s3://bucket/prefix, that all who apply this stage share, to "
            "remember its jobs in; default: .cicd of this machine.",
            examples=["s3://bucket/cicd"],
        ),
    ] = None
    staging: Annotated[
        Plain | None,
        Meta(
            description="Folder that the workers see under the same path, or s3://bucket/prefix, "
            "for programs on their way; default, for a master on this machine: .cicd.",
            examples=["/shared/staging"],
        ),
    ] = None
    conf: Annotated[
        Conf,
        Meta(
            description="Properties of every job.",
            examples=[{"spark.sql.shuffle.partitions": "64"}],
        ),
    ] = {}


class Asset(Part, frozen=True, kw_only=True):
    name: Annotated[
        Annotated[str, like(NAME, "letters, digits, dots, - and _", 100)],
        Meta(description="What the job calls it.", examples=["customers"]),
    ]
    url: Annotated[
        Plain | Ref,
        Meta(
            description="Where it is: as Spark reads it; or a file that the job gets, or a folder "
            "that it writes, of the project.",
            examples=["s3a://bucket/customers", "data/customers.csv"],
        ),
    ]
    format: Annotated[
        Plain | None, Meta(description="What it is, told to the job.", examples=["csv"])
    ] = None


class Output(Asset, frozen=True, kw_only=True):
    fetch: Annotated[
        Plain | None,
        Meta(
            description="Folder of the project that it is brought to once the job has succeeded; "
            "it is replaced as a whole.",
            examples=["build/scores"],
        ),
    ] = None


class Resources(Part, frozen=True, kw_only=True):
    executors: Annotated[Count | None, Meta(description="How many.", examples=[2])] = None
    executor_cores: Annotated[Count | None, Meta(description="Of each.", examples=[1])] = None
    executor_memory: Annotated[
        Annotated[str, _MEMORY] | None, Meta(description="Of each.", examples=["1g"])
    ] = None
    driver_cores: Annotated[Count | None, Meta(description="Of the driver.", examples=[1])] = None
    driver_memory: Annotated[
        Annotated[str, _MEMORY] | None, Meta(description="Of the driver.", examples=["1g"])
    ] = None


class Job(RunItem, frozen=True, kw_only=True):
    source: Annotated[
        Plain,
        Meta(
            description="Python file or jar: of the repository, or an address that Spark reads.",
            examples=["jobs/score.py"],
        ),
    ]
    main_class: Annotated[
        Annotated[str, like(CLASS, "the name of a class")] | None,
        Meta(description="The class of a jar that is run.", examples=["com.example.Score"]),
    ] = None
    args: Annotated[
        list[str | Ref], Meta(description="Arguments, before those of inputs and outputs.")
    ] = []
    env: Annotated[
        dict[Annotated[str, _ENV], str | Ref],
        Meta(description="Environment of the driver.", examples=[{"EPOCHS": "20"}]),
    ] = {}
    conf: Annotated[Conf, Meta(description="Properties, over those of all jobs.")] = {}
    packages: Annotated[
        list[Annotated[str, like(r"^[^\s:,]+:[^\s:,]+:[^\s:,]+$", "group:name:version")]],
        Meta(
            description="Maven packages: group:name:version.",
            examples=[["org.apache.spark:spark-avro_2.12:3.5.1"]],
        ),
    ] = []
    py_files: Annotated[
        list[Plain],
        Meta(description="Python modules that it imports.", examples=[["jobs/features.py"]]),
    ] = []
    jars: Annotated[list[Plain], Meta(description="Jars on its class path.")] = []
    files: Annotated[
        list[Plain], Meta(description="Files beside each executor.", examples=[["conf/rates.csv"]])
    ] = []
    inputs: Annotated[list[Asset], Meta(description="What it reads.")] = []
    outputs: Annotated[list[Output], Meta(description="What it writes.")] = []
    resources: Annotated[Resources, Meta(description="What it runs on.")] = field(
        default_factory=Resources
    )
    metrics: Annotated[
        dict[Plain, Plain],
        Meta(
            description="Metric -> pattern for what it prints, whose first group is the value.",
            examples=[{"accuracy": "accuracy=([0-9.]+)"}],
        ),
    ] = {}
    metrics_file: Annotated[
        Plain | None,
        Meta(
            description="JSON with numbers that it writes: an address, a file of the project, or "
            "one below the name of an output.",
            examples=["s3a://bucket/metrics.json", "scores/metrics.json"],
        ),
    ] = None
    timeout: Timeout = "1h"


class StageFile(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["spark"], Meta(description="Where it all runs.")] = "spark"
    spark: Annotated[Spark, Meta(description="The cluster, and what all jobs share.")] = field(
        default_factory=Spark
    )
    jobs: Annotated[list[Job], Meta(description="Programs that are run.")] = []
