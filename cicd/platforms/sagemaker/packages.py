"""Model packages: versions of a model in a group, each with its approval. A version has no name but
its number: whose it is stands in its own properties."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd.errors import NotFound, PlatformError
from cicd.model import Key, LiveResource, Resource, Spec, State, Status
from cicd.platforms.sagemaker.api import PAGE, Api
from cicd.platforms.sagemaker.kinds import CONTENT
from cicd.platforms.sagemaker.models import container, container_of
from cicd.platforms.sagemaker.nouns import Noun
from cicd.platforms.sagemaker.tags import tags_of
from cicd.platforms.sagemaker.things import READERS, stamp
from cicd.threads import together

KIND = "model_package"
NOUN = Noun(KIND, "ModelPackage", "ModelPackageSummaryList")
NEWEST = 20
"""So many versions of a group are looked at."""
APPROVAL = {
    "pending": "PendingManualApproval",
    "approved": "Approved",
    "rejected": "Rejected",
}
STATES = {
    "Pending": State.PENDING,
    "InProgress": State.RUNNING,
    "Completed": State.SUCCEEDED,
    "Failed": State.FAILED,
    "Deleting": State.STOPPING,
}
MARKS = "cicd:"
"""With what properties begin that are not the user's."""
LONGEST_TOKEN = 36
Sources = Callable[[Spec], Mapping[str, str]]


class Packages:
    """Those of one stage. ``owner``: what the stage is called where several meet; ``groups``: those
    that it names; ``sources``: where the packed sources of a wish are, once they are uploaded."""

    def __init__(self, api: Api, owner: str, groups: Iterable[str], sources: Sources) -> None:
        self._api = api
        self._owner = owner
        self._groups = sorted({*groups})
        self._sources = sources

    def all(self, found: Sequence[LiveResource]) -> list[LiveResource]:
        """Those of the groups that the stage names."""
        return [live for group in self._groups for live in self._versions(group)]

    def of(self, wishes: Sequence[Resource]) -> list[LiveResource]:
        """Those of the groups of wishes, and older ones where a key names one."""
        groups = sorted({str(wish.spec["group"]) for wish in wishes})
        found = [live for group in groups for live in self._versions(group)]
        known = {live.id for live in found}
        named = {_id_named(wish) for wish in wishes} - known - {""}
        return [*(live for id in sorted(named) if (live := self._look(id))), *found]

    def listed(self) -> list[LiveResource]:
        """All versions of the account, as far as lists tell; the newest of the groups that the
        stage names whole: no list tells whose a version is."""
        whole = {live.id: live for group in self._groups for live in self._versions(group)}
        found = [whole.get(id_of(item)) or self.whole(item) for item in self._summaries()]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def _summaries(self) -> Iterator[Mapping[str, Any]]:
        asked = {"ModelPackageType": "Versioned", "MaxResults": PAGE}
        for page in self._api.pages("sagemaker", "list_model_packages", **asked):
            yield from page[NOUN.listed]

    def described(self, urls: Collection[str] | None = None) -> list[Mapping[str, Any]]:
        """The descriptions of all versions of the account. ``urls``: of those only that have some
        of these data."""
        arns = [str(item[NOUN.arn]) for item in self._summaries()]
        if urls is not None:  # so many at once tell no more than what they are made of
            parts = [arns[start : start + PAGE] for start in range(0, len(arns), PAGE)]
            answers = [
                self._api.read("batch_describe_model_package", ModelPackageArnList=part)
                for part in parts
                if urls
            ]
            found = [one for told in answers for one in told["ModelPackageSummaries"].items()]
            arns = [arn for arn, told in found if not data_of(told).isdisjoint(urls)]
        with together(READERS) as pool:
            return [told for told in pool.map(self._description, arns) if told]

    def _description(self, name: str) -> Mapping[str, Any] | None:
        try:
            return self._api.describe(NOUN, name)
        except NotFound:  # deleted since it was listed
            return None

    def _versions(self, group: str) -> list[LiveResource]:
        """The newest of a group, whole; newest last."""
        asked = {"ModelPackageGroupName": group, "SortBy": "CreationTime", "MaxResults": NEWEST}
        try:
            page = self._api.read("list_model_packages", **asked, SortOrder="Descending")
        except NotFound:
            return []
        ids = [id_of(item) for item in page[NOUN.listed]]
        with together(READERS) as pool:
            found = [live for live in pool.map(self._look, ids) if live]
        return sorted(found, key=lambda live: (live.created_at, live.id))

    def _look(self, id: str) -> LiveResource | None:
        told = self._description(id)
        return self.whole(told) if told else None

    def _whole(self, id: str) -> LiveResource:
        return self.whole(self._api.describe(NOUN, id))

    def get(self, live: LiveResource) -> LiveResource:
        """It as it is now. Raises NotFound."""
        return self._whole(live.id)

    def find(self, wish: Resource, known: frozenset[str]) -> LiveResource | None:
        """The newest with the content of a wish that is not known yet."""
        same = [live for live in self.of([wish]) if live.id not in known and _is_as(live, wish)]
        return same[-1] if same else None

    def create(self, wish: Resource, token: str, marks: Mapping[str, str]) -> LiveResource:
        """Register it as the next version of its group, which is made where it is not there."""
        properties = tags_of(wish.spec.get("metadata") or {}, marks)
        body = {
            **request(wish.spec, self._sources(wish.spec)),
            "CustomerMetadataProperties": {one["Key"]: one["Value"] for one in properties},
        }
        if token:  # AWS gives the same for the same
            body["ClientToken"] = token[:LONGEST_TOKEN]
        if not body["CustomerMetadataProperties"]:
            del body["CustomerMetadataProperties"]
        try:
            made = self._api.write("create_model_package", **body)
        except NotFound:
            self._make_group(str(wish.spec["group"]))
            made = self._api.write("create_model_package", **body)
        return self._whole(_id_in(str(made["ModelPackageArn"])))

    def _make_group(self, group: str) -> None:
        try:
            self._api.write("create_model_package_group", ModelPackageGroupName=group)
        except PlatformError as error:
            if "already exists" not in error.message:
                raise

    def update(self, live: LiveResource, wish: Resource) -> LiveResource:
        """What of a version may change: its approval, and properties."""
        body: dict[str, Any] = {"ModelPackageArn": live.outputs["arn"]}
        if approval := wish.spec.get("approval"):
            body["ModelApprovalStatus"] = APPROVAL[approval]
        if own := wish.spec.get("metadata"):
            body["CustomerMetadataProperties"] = dict(own)
        self._api.write("update_model_package", **body)
        return self.get(live)

    def delete(self, live: LiveResource) -> None:
        """Forget a version; its group stays."""
        try:
            self._api.write("delete_model_package", ModelPackageName=live.outputs["arn"])
        except NotFound:
            return

    def whole(self, told: Mapping[str, Any]) -> LiveResource:
        """One from its description. Somebody else's is called by its group and number."""
        id, arn = id_of(told), str(told["ModelPackageArn"])
        properties = dict(told.get("CustomerMetadataProperties") or {})
        is_ours = properties.get("cicd:stage") == self._owner
        key = properties.get("cicd:key", "").partition("/")[2] if is_ours else ""
        raw = str(told["ModelPackageStatus"])
        return LiveResource(
            Key(KIND, key or _named(id)),
            id,
            {"name": key or _named(id), **spec_of(told)},
            Status(STATES.get(raw, State.UNKNOWN), raw, _reason(told)),
            {"id": id, "arn": arn},
            created_at=stamp(told.get("CreationTime")),
            owner=self._owner if is_ours else "",
        )


def data_of(told: Mapping[str, Any]) -> set[str]:
    """Where the data of its containers is."""
    inference = told.get("InferenceSpecification") or {}
    return {str(container_of(one)["data"]) for one in inference.get("Containers", ())} - {""}


def _named(id: str) -> str:
    """What a stage file can call a version: GROUP-NUMBER."""
    return id.replace("/", "-")


def _id_named(wish: Resource) -> str:
    """The version that a key names so; empty for none."""
    group = str(wish.spec["group"])
    number = wish.key.name.removeprefix(f"{group}-")
    return f"{group}/{number}" if number.isdecimal() and number != wish.key.name else ""


def _is_as(live: LiveResource, wish: Resource) -> bool:
    return all(live.spec.get(name) == wish.spec.get(name) for name in ("name", *CONTENT))


LISTS = {
    "content_types": "SupportedContentTypes",
    "response_types": "SupportedResponseMIMETypes",
    "instance_types": "SupportedRealtimeInferenceInstanceTypes",
    "transform_instance_types": "SupportedTransformInstanceTypes",
}


def request(spec: Spec, sources: Mapping[str, str]) -> dict[str, Any]:
    """The input of CreateModelPackage but for its properties. ``sources``: digest of a packed
    source -> where it is."""
    parts = [container(one, sources) for one in spec["containers"]]
    inference = {"Containers": parts} | {
        name: list(spec[field]) for field, name in LISTS.items() if spec[field]
    }
    found = {
        "ModelPackageGroupName": spec["group"],
        "InferenceSpecification": inference,
        "ModelApprovalStatus": APPROVAL[spec.get("approval", "pending")],
    }
    if text := spec["description"]:
        found["ModelPackageDescription"] = text
    return found


def spec_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a description says, but for ``name``."""
    inference = told.get("InferenceSpecification") or {}
    words = {theirs: ours for ours, theirs in APPROVAL.items()}
    properties = (told.get("CustomerMetadataProperties") or {}).items()
    return {
        "group": str(told.get("ModelPackageGroupName", "")),
        "containers": [container_of(one) for one in inference.get("Containers", ())],
        **{field: list(inference.get(name, ())) for field, name in LISTS.items()},
        "description": told.get("ModelPackageDescription", ""),
        "approval": words.get(str(told.get("ModelApprovalStatus")), ""),
        "metadata": {name: text for name, text in properties if not name.startswith(MARKS)},
    }


def _reason(told: Mapping[str, Any]) -> str:
    details = told.get("ModelPackageStatusDetails") or {}
    checks = [*details.get("ValidationStatuses", ()), *details.get("ImageScanStatuses", ())]
    return "; ".join(str(one["FailureReason"]) for one in checks if one.get("FailureReason"))


def id_of(told: Mapping[str, Any]) -> str:
    """Group and version, as people and most operations name it."""
    return _id_in(str(told["ModelPackageArn"]))


def _id_in(arn: str) -> str:
    return arn.partition(":model-package/")[2]
