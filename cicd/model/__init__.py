"""The nouns every room speaks: frozen data, no behaviour beyond properties. Those that files are
made of are in ``cicd.values``, and here too."""

from cicd.model.kinds import Kind as Kind
from cicd.model.kinds import Role as Role
from cicd.model.kinds import made_by as made_by
from cicd.model.plans import Action as Action
from cicd.model.plans import Change as Change
from cicd.model.plans import FieldChange as FieldChange
from cicd.model.plans import Outcome as Outcome
from cicd.model.plans import Plan as Plan
from cicd.model.plans import Result as Result
from cicd.model.plans import leaves as leaves
from cicd.model.records import LogEntry as LogEntry
from cicd.model.records import MetricPoint as MetricPoint
from cicd.model.records import Track as Track
from cicd.model.resources import Gate as Gate
from cicd.model.resources import LiveResource as LiveResource
from cicd.model.resources import Options as Options
from cicd.model.resources import Resource as Resource
from cicd.model.resources import SmokeTest as SmokeTest
from cicd.model.resources import State as State
from cicd.model.resources import Status as Status
from cicd.model.resources import same_inputs as same_inputs
from cicd.model.stages import Holder as Holder
from cicd.model.stages import Limits as Limits
from cicd.model.stages import Stage as Stage
from cicd.model.stages import identity as identity
from cicd.model.stages import place_of as place_of
from cicd.values import Hidden as Hidden
from cicd.values import Key as Key
from cicd.values import Program as Program
from cicd.values import Ref as Ref
from cicd.values import Secret as Secret
from cicd.values import Spec as Spec
from cicd.values import opened as opened
