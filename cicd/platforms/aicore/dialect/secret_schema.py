"""The shape of the ``secrets`` section: three sorts of secret that AI Core keeps for runs."""

from typing import Annotated, Literal

from msgspec import Meta

from cicd.config.fields import Part, SecretText, like
from cicd.platforms.aicore.dialect import formats
from cicd.platforms.aicore.dialect.fields import LabelValue


class ObjectStore(Part, frozen=True, kw_only=True):
    name: Annotated[
        Annotated[
            str,
            like(formats.OBJECT_STORE, "lower-case letters, digits, hyphens, single dots", 233),
        ],
        Meta(description="Name; AI Core needs one called default.", examples=["default"]),
    ]
    type: Annotated[
        Literal["S3", "oss", "webhdfs", "azure", "gcs"], Meta(description="Sort of object store.")
    ]
    bucket: Annotated[str | None, Meta(description="Bucket (S3).", examples=["my-bucket"])] = None
    endpoint: Annotated[
        str | None,
        Meta(description="Host of the store (S3).", examples=["s3-eu-central-1.amazonaws.com"]),
    ] = None
    region: Annotated[str | None, Meta(description="Region (S3).", examples=["eu-central-1"])] = (
        None
    )
    path_prefix: Annotated[
        str | None, Meta(description="Folder inside the bucket.", examples=["cicd"])
    ] = None
    use_https: Annotated[
        bool | None, Meta(description="false: plain http (S3); default: true.", examples=[True])
    ] = None
    verify_ssl: Annotated[
        bool | None,
        Meta(
            description="Whether the store's certificate is checked (S3); default: the platform's.",
            examples=[True],
        ),
    ] = None
    data: Annotated[
        dict[str, SecretText],
        Meta(
            description="Credentials, values only as ${env.NAME}.",
            examples=[
                {"AWS_ACCESS_KEY_ID": "${env.KEY_ID}", "AWS_SECRET_ACCESS_KEY": "${env.KEY}"}
            ],
        ),
    ]


class DockerRegistry(Part, frozen=True, kw_only=True):
    name: Annotated[
        Annotated[
            str,
            like(
                formats.DOCKER_REGISTRY, "at least 2 lower-case letters, digits, dots, hyphens", 63
            ),
        ],
        Meta(description="What templates call it.", examples=["my-secret"]),
    ]
    data: Annotated[
        dict[str, SecretText],
        Meta(
            description="Credentials, values only as ${env.NAME}.",
            examples=[{".dockerconfigjson": "${env.DOCKER_CONFIG_JSON}"}],
        ),
    ]


class GenericSecret(Part, frozen=True, kw_only=True):
    name: Annotated[
        Annotated[str, like(formats.GENERIC, "lower-case letters, digits, dots, hyphens", 252)],
        Meta(description="What templates call it.", examples=["my-secret"]),
    ]
    scope: Annotated[
        Literal["resource_group", "tenant", "all_resource_groups"],
        Meta(
            description="Where it is: this group, the tenant (not for runs), or copied to all "
            "groups.",
            examples=["resource_group"],
        ),
    ] = "resource_group"
    labels: Annotated[
        dict[str, LabelValue] | None,
        Meta(
            description="Keys start with ext.ai.sap.com/.",
            examples=[{"ext.ai.sap.com/team": "churn"}],
        ),
    ] = None
    data: Annotated[
        dict[str, SecretText],
        Meta(
            description="Values only as ${env.NAME}; keys reach AI Core exactly as written.",
            examples=[{"api-key": "${env.API_KEY}"}],
        ),
    ]


class Secrets(Part, frozen=True, kw_only=True):
    object_store: Annotated[list[ObjectStore], Meta(description="Where ai:// urls lead.")] = []
    docker_registry: Annotated[list[DockerRegistry], Meta(description="For pulling images.")] = []
    generic: Annotated[list[GenericSecret], Meta(description="For programs in templates.")] = []
