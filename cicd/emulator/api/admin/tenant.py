"""/v2/admin/tenantInfo"""

from __future__ import annotations

from cicd.emulator.api.web import ApiCall, Operation, Reply


def get(call: ApiCall) -> Reply:
    """The tenant itself."""
    tenant = call.world.credentials.tenant_id
    return Reply({"tenantId": tenant, "servicePlan": "extended", "status": "PROVISIONED"})


OPERATIONS = (Operation("tenant_info.get", "GET", "/v2/admin/tenantInfo", get, "aicore"),)
