"""What ``lifecycle`` of a stage file holds, the same for every platform."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from cicd.config.fields import Duration, Part, Plain, like

_KeyText = Annotated[str, like("^[a-z_]+/.+$", "kind/name")]
_Url = Annotated[str, like("^https?://[^ ]+$", "a URL that begins with https://", 2000)]


class Environment(Part, frozen=True, kw_only=True):
    environment: Annotated[
        Plain, Meta(description="Environment whose reviewers approve.", examples=["prd"])
    ]


class PullRequest(Part, frozen=True, kw_only=True):
    label: Annotated[
        str, Meta(description="A label that approves; else a review.", examples=["approved-prd"])
    ] = ""
    reviewers: Annotated[
        list[Plain],
        Meta(
            description="Who may give it: logins, and teams as org/team.",
            examples=[["acme/ml-approvers"]],
        ),
    ] = []


class Jira(Part, frozen=True, kw_only=True):
    url: Annotated[_Url, Meta(description="Where Jira is.", examples=["https://x.atlassian.net"])]
    version: Annotated[
        Literal[2, 3] | None,
        Meta(description="Of its REST API: 3 for Cloud, 2 for Data Center; default: what it says."),
    ] = None
    project: Annotated[Plain, Meta(description="Key of the project.", examples=["ML"])]
    issue_type: Annotated[Plain, Meta(description="Type of the ticket.")] = "Task"
    approved: Annotated[list[Plain], Meta(description="Statuses that approve.", min_length=1)] = (
        field(default_factory=lambda: ["Done", "Approved"])
    )
    rejected: Annotated[list[Plain], Meta(description="Statuses that refuse.")] = field(
        default_factory=lambda: ["Rejected", "Declined"]
    )
    approvers: Annotated[
        list[Plain],
        Meta(description="Who may approve: account ids, names or mails; empty: the workflow's."),
    ] = []
    fields: Annotated[
        dict[str, Any],
        Meta(
            description="Further fields of a new ticket, as Jira takes them.",
            examples=[{"customfield_10010": "ML"}],
        ),
    ] = {}


class Approval(Part, frozen=True, kw_only=True):
    github: Annotated[
        Environment | None, Meta(description="The review of an environment of GitHub.")
    ] = None
    gitlab: Annotated[
        Environment | None, Meta(description="The approval for a protected environment of GitLab.")
    ] = None
    azure: Annotated[
        Environment | None, Meta(description="The check of an environment of Azure DevOps.")
    ] = None
    pull_request: Annotated[
        PullRequest | None, Meta(description="A review or a label of the pull request.")
    ] = None
    jira: Annotated[Jira | None, Meta(description="A ticket.")] = None
    file: Annotated[
        Plain | None,
        Meta(
            description="A file of the repository, from the project on.",
            examples=["approvals/prd.yaml"],
        ),
    ] = None
    model_package: Annotated[
        Plain | None,
        Meta(description="Key of a model package, whose own approval counts."),
    ] = None
    prevent_self_approval: Annotated[
        bool,
        Meta(description="With file: whoever has written a change does not approve it."),
    ] = False


class Comparator(Part, frozen=True, kw_only=True):
    command: Annotated[
        list[Plain],
        Meta(
            description="The program and its arguments; a folder with what it judges comes last.",
            examples=[["python", "compare.py"]],
            min_length=1,
        ),
    ]
    timeout: Annotated[Duration, Meta(description="How long it may take.")] = "10m"


class Lifecycle(Part, frozen=True, kw_only=True):
    """What has to be so before anything changes that serves."""

    require_assets: Annotated[
        dict[str, Plain],
        Meta(
            description="Name -> path of the project, or URL, of what must hold something.",
            examples=[{"documentation": "docs/model.md"}],
        ),
    ] = {}
    test: Annotated[
        _KeyText | None,
        Meta(description="The run that tries the model.", examples=["job/evaluate"]),
    ] = None
    test_data: Annotated[
        Plain | None,
        Meta(
            description="Path or URL; where nothing is there, there is no test.",
            examples=["data/test.csv"],
        ),
    ] = None
    comparator: Annotated[
        Comparator | None, Meta(description="A program that judges the result of the test.")
    ] = None
    approval: Annotated[
        Approval | None, Meta(description="Who decides, by one of these means.")
    ] = None
    deploy: Annotated[
        list[_KeyText],
        Meta(
            description="What waits too, beside all that serves.",
            examples=[["job/publish"]],
        ),
    ] = []
    watch: Annotated[bool, Meta(description="Also what is made outside Git.")] = False
