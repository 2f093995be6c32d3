"""The shape of SageMaker's stage files as msgspec structs. Names are those of the API in snake
case."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from cicd.config.fields import Duration, Key, Part, Plain, like, named
from cicd.config.schema import AnySmokeTest, RunItem, ServiceItem, StageBase, Timeout
from cicd.values import Ref

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
NAME_SAYS = "letters, digits and hyphens, with a letter or digit at both ends"
_Name = Annotated[str, like(NAME, NAME_SAYS, 63)]
_Url = Annotated[
    str,
    like(
        r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$", "an address like s3://bucket/folder", 1024
    ),
]
_Role = Annotated[
    str,
    like(
        r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
        "the ARN of a role: arn:aws:iam::123456789012:role/NAME",
        2048,
    ),
]
_Type = Annotated[
    str, like(r"^ml\.[a-z0-9-]+\.[a-z0-9-]+$", "an instance type like ml.m5.large", 64)
]
_Bucket = Annotated[str, like(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "the name of a bucket", 63)]
_Region = Annotated[str, like(r"^[a-z]+(-[a-z]+)+-[0-9]$", "a region like eu-central-1", 32)]
_Environment = Annotated[
    dict[
        Annotated[str, named(r"^[a-zA-Z_][a-zA-Z0-9_]*$", "letters, digits and underscores")],
        str | Ref,
    ],
    Meta(description="Environment of the container.", examples=[{"LOG_LEVEL": "debug"}]),
]
_TAG_SAYS = "letters, digits, blanks and _.:/=+-@"
_Tags = Annotated[
    dict[
        Annotated[
            str, named(r"^(?!aws:|cicd:)[\w .:/=+@-]{1,128}$", f"{_TAG_SAYS}, not aws:… or cicd:…")
        ],
        Annotated[str, like(r"^[\w .:/=+@-]*$", _TAG_SAYS)],
    ],
    Meta(description="Tags, given when it is made.", examples=[{"team": "churn"}], max_length=45),
]
_Positive = Annotated[int, Meta(ge=1)]
_Image = Annotated[str, like(r"^\S+$", "the name of an image, without blanks", 255)]
_Id = Annotated[str, like(r"^[-0-9a-zA-Z]{1,32}$", "an id like subnet-0a1b or sg-0a1b", 32)]
_Argument = Annotated[str, Meta(min_length=1, max_length=256)]


class Credentials(Part, frozen=True, kw_only=True):
    type: Annotated[
        Literal["default", "basic", "web_identity", "profile"],
        Meta(description="Where the login is from; default: what AWS's own tools take."),
    ] = "default"
    profile: Annotated[Plain | None, Meta(description="The profile of AWS's tools.")] = None
    role_arn: Annotated[
        _Role | None, Meta(description="The role of a workload; default: AWS_ROLE_ARN.")
    ] = None
    token_file: Annotated[
        Plain | None,
        Meta(description="The file with its token; default: AWS_WEB_IDENTITY_TOKEN_FILE."),
    ] = None
    group: Annotated[
        Plain | None,
        Meta(description="The stored login of this group, of CICD_SAGEMAKER_CREDENTIALS."),
    ] = None
    path: Annotated[
        Plain | None,
        Meta(description="The service account of this path, of the same file."),
    ] = None


class SageMaker(Part, frozen=True, kw_only=True):
    region: Annotated[
        _Region | None,
        Meta(description="Default: AWS_REGION.", examples=["eu-central-1"]),
    ] = None
    role: Annotated[
        _Role | None,
        Meta(
            description="The role that jobs and models have; default: SAGEMAKER_ROLE.",
            examples=["arn:aws:iam::123456789012:role/ml"],
        ),
    ] = None
    bucket: Annotated[
        _Bucket | None,
        Meta(description="For sources and results; default: sagemaker-REGION-ACCOUNT."),
    ] = None
    prefix: Annotated[
        Plain | None,
        Meta(
            description="With what names of jobs, models and configurations begin; default: the "
            "stage. Give one where several repositories share an account.",
            examples=["churn-dev"],
        ),
    ] = None
    credentials: Annotated[Credentials, Meta(description="The login.")] = field(
        default_factory=Credentials
    )


class Instance(Part, frozen=True, kw_only=True):
    type: Annotated[_Type, Meta(description="Instance type.", examples=["ml.m5.large"])]
    count: Annotated[_Positive, Meta(description="How many.")] = 1


class JobInstance(Instance, frozen=True, kw_only=True):
    volume_gb: Annotated[
        Annotated[int, Meta(ge=1, le=16384)], Meta(description="Disk of each, in GB.")
    ] = 30


class Vpc(Part, frozen=True, kw_only=True):
    subnets: Annotated[list[_Id], Meta(min_length=1, max_length=16)]
    security_groups: Annotated[list[_Id], Meta(min_length=1, max_length=5)]


class Channel(Part, frozen=True, kw_only=True):
    data_type: Literal["S3Prefix", "ManifestFile", "AugmentedManifestFile"] | None = None
    distribution: Literal["FullyReplicated", "ShardedByS3Key"] | None = None
    content_type: Annotated[Plain | None, Meta(examples=["text/csv"])] = None
    compression: Literal["None", "Gzip"] | None = None
    record_wrapper: Literal["None", "RecordIO"] | None = None
    mode: Literal["File", "Pipe", "FastFile"] | None = None


class TrainingJob(RunItem, frozen=True, kw_only=True):
    image: Annotated[_Image | None, Meta(description="Container image.")] = None
    algorithm: Annotated[Plain | None, Meta(description="In place of image.")] = None
    source_dir: Annotated[
        Plain | None,
        Meta(description="Folder of the repository with the script.", examples=["src"]),
    ] = None
    entry_point: Annotated[
        Plain | None, Meta(description="The script in source_dir.", examples=["train.py"])
    ] = None
    hyperparameters: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=256)], Any],
        Meta(description="What the script is told.", examples=[{"epochs": 20}]),
    ] = {}
    inputs: Annotated[
        dict[
            Annotated[str, named(r"^[A-Za-z0-9._-]{1,64}$", "letters, digits, dots, - and _")],
            Plain | Ref,
        ],
        Meta(description="Channel -> data.", examples=[{"train": "s3://bucket/train"}]),
    ] = {}
    channels: Annotated[
        dict[str, Channel],
        Meta(
            description="Channel -> how its data comes, where that is not AWS's own way.",
            examples=[{"train": {"content_type": "text/csv"}}],
        ),
    ] = {}
    output: Annotated[
        _Url | None, Meta(description="Where results go; default: in the bucket.")
    ] = None
    instance: Annotated[JobInstance, Meta(description="What it runs on.")]
    max_runtime: Annotated[Duration, Meta(description="How long it may run.")] = "1d"
    spot: Annotated[bool, Meta(description="On spare instances, cheaper and interrupted.")] = False
    max_wait: Annotated[
        Duration | None, Meta(description="With spot: how long it may take with all waiting.")
    ] = None
    checkpoints: Annotated[_Url | None, Meta(description="Where it keeps where it is.")] = None
    metrics: Annotated[
        dict[
            Annotated[str, Meta(min_length=1, max_length=255)],
            Annotated[str, Meta(min_length=1, max_length=500)],
        ],
        Meta(
            description="Metric -> pattern for its log, whose one group is the value.",
            examples=[{"accuracy": "accuracy=([0-9.]+)"}],
            max_length=40,
        ),
    ] = {}
    input_mode: Annotated[
        Literal["File", "Pipe", "FastFile"], Meta(description="How data comes.")
    ] = "File"
    environment: _Environment = {}
    role: Annotated[_Role | None, Meta(description="Default: sagemaker.role.")] = None
    vpc: Annotated[Vpc | None, Meta(description="Its network.")] = None
    network_isolation: Annotated[bool, Meta(description="No network at all.")] = False
    tags: _Tags = {}
    timeout: Timeout = "1d"


class ProcessingJob(RunItem, frozen=True, kw_only=True):
    image: Annotated[_Image, Meta(description="Container image.")]
    command: Annotated[
        list[_Argument],
        Meta(
            description="What it runs; with a script: what runs that, default python3.",
            max_length=50,
            examples=[["python", "x.py"]],
        ),
    ] = []
    source_dir: Annotated[
        Plain | None, Meta(description="Folder of the repository with the script.")
    ] = None
    entry_point: Annotated[
        Plain | None, Meta(description="The script in source_dir.", examples=["clean.py"])
    ] = None
    arguments: Annotated[list[_Argument], Meta(description="Words after it.", max_length=100)] = []
    inputs: Annotated[
        dict[_Name, Plain | Ref],
        Meta(
            description="Name -> data, which is below /opt/ml/processing/input/NAME.",
            examples=[{"raw": "s3://bucket/raw"}],
        ),
    ] = {}
    outputs: Annotated[
        dict[_Name, _Url],
        Meta(
            description="Name -> where that goes which is left in /opt/ml/processing/output/NAME.",
            examples=[{"clean": "s3://bucket/clean"}],
        ),
    ] = {}
    instance: Annotated[JobInstance, Meta(description="What it runs on.")]
    max_runtime: Annotated[Duration, Meta(description="How long it may run.")] = "1d"
    environment: _Environment = {}
    role: Annotated[_Role | None, Meta(description="Default: sagemaker.role.")] = None
    vpc: Annotated[Vpc | None, Meta(description="Its network.")] = None
    network_isolation: Annotated[bool, Meta(description="No network at all.")] = False
    tags: _Tags = {}
    timeout: Timeout = "1d"


class TransformJob(RunItem, frozen=True, kw_only=True):
    model: Annotated[Plain, Meta(description="Key of the model that answers.")]
    input: Annotated[Plain | Ref, Meta(description="Where the data is.", examples=["s3://b/in"])]
    content_type: Annotated[
        Plain | None, Meta(description="What it is.", examples=["text/csv"])
    ] = None
    compression: Annotated[
        Literal["None", "Gzip"] | None, Meta(description="How it is packed.")
    ] = None
    split: Annotated[
        Literal["None", "Line", "RecordIO", "TFRecord"] | None,
        Meta(description="What of it makes one record."),
    ] = None
    output: Annotated[_Url | None, Meta(description="Where answers go.")] = None
    accept: Annotated[Plain | None, Meta(description="What answers are to be.")] = None
    assemble: Annotated[
        Literal["None", "Line"] | None, Meta(description="What stands between answers.")
    ] = None
    strategy: Annotated[
        Literal["MultiRecord", "SingleRecord"] | None, Meta(description="Records of one request.")
    ] = None
    max_payload_mb: Annotated[
        Annotated[int, Meta(ge=0, le=100)] | None, Meta(description="Of one request.")
    ] = None
    max_concurrent: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Requests at once.")
    ] = None
    instance: Annotated[Instance, Meta(description="What it runs on.")]
    environment: _Environment = {}
    tags: _Tags = {}
    timeout: Timeout = "1d"


class Container(Part, frozen=True, kw_only=True):
    image: Annotated[_Image | None, Meta(description="Container image.")] = None
    package: Annotated[
        Plain | Ref | None,
        Meta(
            description="ARN of a model package instead.",
            examples=["${model_packages.churn.arn}"],
        ),
    ] = None
    data: Annotated[
        Plain | Ref | None,
        Meta(description="model.tar.gz with the model.", examples=["${training_jobs.train.model}"]),
    ] = None
    source_dir: Annotated[
        Plain | None, Meta(description="Folder of the repository with the serving script.")
    ] = None
    entry_point: Annotated[
        Plain | None, Meta(description="The script in it.", examples=["inference.py"])
    ] = None
    environment: _Environment = {}
    hostname: Annotated[_Name | None, Meta(description="Its name in a pipeline.")] = None
    mode: Annotated[
        Literal["SingleModel", "MultiModel"] | None, Meta(description="How many models it has.")
    ] = None


class Model(Container, frozen=True, kw_only=True):
    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["churn"])]
    containers: Annotated[
        list[Container], Meta(description="Several, in place of one.", max_length=15)
    ] = []
    execution: Annotated[
        Literal["Serial", "Direct"] | None, Meta(description="With several: how they are asked.")
    ] = None
    role: Annotated[_Role | None, Meta(description="Default: sagemaker.role.")] = None
    vpc: Annotated[Vpc | None, Meta(description="Its network.")] = None
    network_isolation: Annotated[bool, Meta(description="No network at all.")] = False
    tags: _Tags = {}


class ModelPackage(Part, frozen=True, kw_only=True):
    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["churn"])]
    group: Annotated[_Name, Meta(description="The group that it is a version of.")]
    model: Annotated[Plain, Meta(description="Key of the model whose containers it has.")]
    approval: Annotated[
        Literal["pending", "approved", "rejected"],
        Meta(description="pending: what a person decides later stays."),
    ] = "pending"
    description: Annotated[
        Annotated[str, Meta(max_length=1024)] | None, Meta(description="In words.")
    ] = None
    content_types: Annotated[
        list[Plain], Meta(description="What it takes; default: application/json.")
    ] = []
    response_types: Annotated[
        list[Plain], Meta(description="What it answers; default: application/json.")
    ] = []
    instance_types: Annotated[list[_Type], Meta(description="On what it can serve.")] = []
    transform_instance_types: Annotated[
        list[_Type], Meta(description="On what it can transform.")
    ] = []
    metadata: Annotated[
        dict[
            Annotated[str, named(r"^(?!cicd:)[\w .:/=+@-]{1,128}$", f"{_TAG_SAYS}, not cicd:…")],
            Annotated[str, Meta(max_length=256)],
        ],
        Meta(description="Properties of this version.", max_length=40),
    ] = {}


class Serverless(Part, frozen=True, kw_only=True):
    memory_mb: Annotated[
        Literal[1024, 2048, 3072, 4096, 5120, 6144], Meta(description="Memory in MB.")
    ]
    max_concurrency: Annotated[
        Annotated[int, Meta(ge=1, le=200)], Meta(description="Requests at once.")
    ]
    provisioned: Annotated[
        Annotated[int, Meta(ge=1, le=200)] | None, Meta(description="Of these always ready.")
    ] = None


class Variant(Part, frozen=True, kw_only=True):
    name: Annotated[_Name, Meta(description="What it is called.", examples=["main"])]
    model: Annotated[Plain, Meta(description="Key of the model that it serves.")]
    instance: Annotated[Instance | None, Meta(description="What it runs on.")] = None
    serverless: Annotated[Serverless | None, Meta(description="In place of instances.")] = None
    weight: Annotated[
        Annotated[float, Meta(ge=0)], Meta(description="Its share of the requests.")
    ] = 1.0
    shadow: Annotated[bool, Meta(description="It gets copies and never answers.")] = False
    startup_timeout: Annotated[
        Duration | None, Meta(description="How long its container may take to answer.")
    ] = None


class Capture(Part, frozen=True, kw_only=True):
    url: Annotated[_Url, Meta(description="Where to.")]
    percent: Annotated[Annotated[int, Meta(ge=0, le=100)], Meta(description="Of the requests.")] = (
        100
    )
    of: Annotated[
        list[Literal["input", "output"]],
        Meta(description="What is kept; default: both.", max_length=2),
    ] = []


class Async(Part, frozen=True, kw_only=True):
    url: Annotated[_Url, Meta(description="Where answers go.")]
    failure_url: Annotated[_Url | None, Meta(description="Where errors go.")] = None
    success_topic: Annotated[Plain | None, Meta(description="ARN of a topic.")] = None
    error_topic: Annotated[Plain | None, Meta(description="ARN of a topic.")] = None
    max_concurrent: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None, Meta(description="At once, of each instance.")
    ] = None


class EndpointConfig(Part, frozen=True, kw_only=True):
    key: Annotated[Key, Meta(description="What the stage calls it.", examples=["churn"])]
    variants: Annotated[
        list[Variant],
        Meta(description="Models that share the requests.", min_length=1, max_length=10),
    ]
    data_capture: Annotated[Capture | None, Meta(description="What is kept of requests.")] = None
    asynchronous: Annotated[Async | None, Meta(description="Answers that nobody waits for.")] = (
        field(default=None, name="async")
    )
    kms_key: Annotated[Plain | None, Meta(description="Key for its disks.")] = None
    tags: _Tags = {}


class Size(Part, frozen=True, kw_only=True):
    percent: Annotated[Annotated[int, Meta(ge=1, le=100)] | None, Meta(description="%")] = None
    instances: Annotated[_Positive | None, Meta(description="So many.")] = None


class Deployment(Part, frozen=True, kw_only=True):
    traffic: Annotated[
        Literal["all_at_once", "canary", "linear"], Meta(description="How traffic moves.")
    ] = "all_at_once"
    step: Annotated[Size | None, Meta(description="The first part, or each.")] = None
    rolling: Annotated[Size | None, Meta(description="Instances that are replaced at once.")] = None
    wait: Annotated[Duration | None, Meta(description="Between two steps.")] = None
    termination_wait: Annotated[
        Duration | None, Meta(description="How long the old ones stay.")
    ] = None
    timeout: Annotated[Duration | None, Meta(description="How long all may take.")] = None
    alarms: Annotated[
        list[Plain], Meta(description="CloudWatch alarms that end it.", max_length=10)
    ] = []


class EndpointTest(AnySmokeTest, frozen=True, kw_only=True):
    method: Annotated[Literal["POST"], Meta(description="The only one that an endpoint knows.")] = (
        "POST"
    )


class Scaling(Part, frozen=True, kw_only=True):
    min: Annotated[_Positive, Meta(description="So many instances at least.")]
    max: Annotated[_Positive, Meta(description="So many at most.")]
    target: Annotated[
        Annotated[float, Meta(gt=0)],
        Meta(description="What each instance is to have of the metric.", examples=[70]),
    ]
    metric: Annotated[
        Literal["invocations", "concurrency"],
        Meta(description="Requests in a minute, or at once."),
    ] = "invocations"
    scale_in: Annotated[
        Duration | None, Meta(description="How long after a change there may be fewer.")
    ] = None
    scale_out: Annotated[
        Duration | None, Meta(description="How long after a change there may be more.")
    ] = None


class Endpoint(ServiceItem, frozen=True, kw_only=True):
    name: Annotated[
        _Name | None, Meta(description="Default: stage and key.", examples=["churn-dev"])
    ] = None
    config: Annotated[Plain, Meta(description="Key of the configuration that it has.")]
    deployment: Annotated[Deployment | None, Meta(description="How an update is made.")] = None
    autoscaling: Annotated[
        dict[_Name, Scaling],
        Meta(
            description="Variant -> how many instances it has, by how much it is asked.",
            examples=[{"main": {"min": 1, "max": 4, "target": 70}}],
        ),
    ] = {}
    tags: _Tags = {}
    timeout: Timeout = "1h"
    smoke_test: Annotated[
        EndpointTest | None, Meta(description="A request to it once it is up.")
    ] = None


class StageFile(StageBase, frozen=True, kw_only=True):
    """What should exist on one stage."""

    platform: Annotated[Literal["sagemaker"], Meta(description="Where it all runs.")] = "sagemaker"
    sagemaker: Annotated[SageMaker, Meta(description="Where it goes, and as whom.")] = field(
        default_factory=SageMaker
    )
    training_jobs: Annotated[list[TrainingJob], Meta(description="Jobs that make models.")] = []
    processing_jobs: Annotated[
        list[ProcessingJob], Meta(description="Jobs that make data of data.")
    ] = []
    transform_jobs: Annotated[
        list[TransformJob], Meta(description="Jobs that let a model answer for all of some data.")
    ] = []
    models: Annotated[list[Model], Meta(description="Models that can serve.")] = []
    model_packages: Annotated[
        list[ModelPackage], Meta(description="Versions of models, to be approved.")
    ] = []
    endpoint_configs: Annotated[
        list[EndpointConfig], Meta(description="What serves, on what, with which share.")
    ] = []
    endpoints: Annotated[list[Endpoint], Meta(description="What answers.")] = []
