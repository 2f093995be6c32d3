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


CONSOLES = {
    "cn-": "console.amazonaws.cn",
    "us-gov-": "console.amazonaws-us-gov.com",
    "eusc-": "console.amazonaws-eusc.eu",
}
"""How regions begin that are not in the partition aws -> the console of theirs."""
SECLUDED = ("us-iso", "eu-iso")
"""Of these nobody outside knows the console: no link is better than a wrong one."""


def link(live: LiveResource, region: str) -> str | None:
    """Where a person can look at one thing; None for what has no page."""
    page = PAGES.get(live.key.kind)
    if not page or region.startswith(SECLUDED):
        return None
    return f"https://{host(region)}/sagemaker/home?region={region}#/{page}/{live.id}"


def log_link(group: str, region: str) -> str:
    """Where a person can read what is logged in a group."""
    # the page wants it quoted twice, with $ for %
    named = quote(quote(group, safe=""), safe="").replace("%", "$")
    return f"https://{host(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{named}"


def host(region: str) -> str:
    """The console of a region, in whichever partition that is."""
    begins = (name for start, name in CONSOLES.items() if region.startswith(start))
    return f"{region}.{next(begins, 'console.aws.amazon.com')}"
