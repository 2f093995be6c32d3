"""The account put together, and what an emulator before this one has begun taken up again."""

from __future__ import annotations

from cicd.emulator.sagemaker import endpoints, processing, training, transform
from cicd.emulator.sagemaker.account import Account
from cicd.emulator.sagemaker.containers import Runner
from cicd.emulator.sagemaker.metrics import Metrics
from cicd.emulator.sagemaker.shapes import ServiceModel
from cicd.emulator.sagemaker.storage import Storage
from cicd.emulator.sagemaker.streams import Streams
from cicd.emulator.sagemaker.things import Things
from cicd.emulator.sagemaker.traffic import Traffic
from cicd.emulator.sagemaker.workers import Workers
from cicd.emulator.world import World

RESUMED = (training.resume, processing.resume, transform.resume, endpoints.resume)


def open_account(world: World) -> Account:
    """The account of a world; call it once."""
    things = Things(world.store)
    folder = world.store.path.parent / "sagemaker"
    folder.mkdir(exist_ok=True)
    account = Account(
        world=world,
        things=things,
        storage=Storage(world.buckets),
        shapes=ServiceModel("sagemaker"),
        workers=Workers(world.closing),
        runner=Runner(world),
        streams=Streams(things),
        traffic=Traffic(things),
        metrics=Metrics(),
        folder=folder,
    )
    for resume in RESUMED:
        resume(account)
    return account
