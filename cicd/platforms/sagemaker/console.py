"""Pages of AWS's console. Pure."""

from __future__ import annotations

from urllib.parse import quote

from cicd.model import LiveResource

PAGES = {
    "model": "models",
    "endpoint_config": "endpointConfig",
    "endpoint": "endpoints",
    "training_job": "jobs",
    "transform_job": "transform-jobs",
    "processing_job": "processing-jobs",
}


def link(live: LiveResource, region: str) -> str | None:
    """Where a person can look at one thing; None for what has no page."""
    page = PAGES.get(live.key.kind)
    if not page:
        return None
    return f"https://{host(region)}/sagemaker/home?region={region}#/{page}/{live.id}"


def log_link(group: str, region: str) -> str:
    """Where a person can read what is logged in a group."""
    # the page wants it quoted twice, with $ for %
    named = quote(quote(group, safe=""), safe="").replace("%", "$")
    return f"https://{host(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{named}"


def host(region: str) -> str:
    """The console of a region, in whichever partition that is."""
    if region.startswith("cn-"):
        return f"{region}.console.amazonaws.cn"
    if region.startswith("us-gov-"):
        return f"{region}.console.amazonaws-us-gov.com"
    return f"{region}.console.aws.amazon.com"
