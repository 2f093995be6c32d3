"""The shape of the ``secrets`` section: three sorts of secret that AI Core keeps for runs."""

from typing import Annotated, Literal

from pydantic import Field

from cicd.config import formats
from cicd.config.fields import LabelValue, Part, SecretText, like


class ObjectStore(Part):
    name: Annotated[
        str,
        like(formats.OBJECT_STORE, "lower-case letters, digits, hyphens, single dots", 233),
    ] = Field(description="Name; AI Core needs one called default.", examples=["default"])
    type: Literal["S3", "oss", "webhdfs", "azure", "gcs"] = Field(
        description="Sort of object store."
    )
    bucket: str | None = Field(default=None, description="Bucket (S3).", examples=["my-bucket"])
    endpoint: str | None = Field(
        default=None,
        description="Host of the store (S3).",
        examples=["s3-eu-central-1.amazonaws.com"],
    )
    region: str | None = Field(default=None, description="Region (S3).", examples=["eu-central-1"])
    path_prefix: str | None = Field(
        default=None, description="Folder inside the bucket.", examples=["cicd"]
    )
    use_https: bool | None = Field(
        default=None, description="false: plain http (S3); default: true.", examples=[True]
    )
    verify_ssl: bool | None = Field(
        default=None,
        description="Whether the store's certificate is checked (S3); default: the platform's.",
        examples=[True],
    )
    data: dict[str, SecretText] = Field(
        description="Credentials, values only as ${env.NAME}.",
        examples=[{"AWS_ACCESS_KEY_ID": "${env.KEY_ID}", "AWS_SECRET_ACCESS_KEY": "${env.KEY}"}],
    )


class DockerRegistry(Part):
    name: Annotated[
        str,
        like(formats.DOCKER_REGISTRY, "at least 2 lower-case letters, digits, dots, hyphens", 63),
    ] = Field(description="What templates call it.", examples=["my-secret"])
    data: dict[str, SecretText] = Field(
        description="Credentials, values only as ${env.NAME}.",
        examples=[{".dockerconfigjson": "${env.DOCKER_CONFIG_JSON}"}],
    )


class GenericSecret(Part):
    name: Annotated[
        str, like(formats.GENERIC, "lower-case letters, digits, dots, hyphens", 252)
    ] = Field(description="What templates call it.", examples=["my-secret"])
    scope: Literal["resource_group", "tenant", "all_resource_groups"] = Field(
        default="resource_group",
        description="Where it is: this group, the tenant (not for runs), or copied to all groups.",
        examples=["resource_group"],
    )
    labels: dict[str, LabelValue] | None = Field(
        default=None,
        description="Keys start with ext.ai.sap.com/.",
        examples=[{"ext.ai.sap.com/team": "churn"}],
    )
    data: dict[str, SecretText] = Field(
        description="Values only as ${env.NAME}; keys reach AI Core exactly as written.",
        examples=[{"api-key": "${env.API_KEY}"}],
    )


class Secrets(Part):
    object_store: list[ObjectStore] = Field(default=[], description="Where ai:// urls lead.")
    docker_registry: list[DockerRegistry] = Field(default=[], description="For pulling images.")
    generic: list[GenericSecret] = Field(default=[], description="For programs in templates.")
