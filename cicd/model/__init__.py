"""The nouns every room speaks: frozen data, no behaviour beyond properties. Those that files are
made of are in ``cicd.values``, and here too."""

from cicd.model.resources import Action as Action
from cicd.model.resources import Change as Change
from cicd.model.resources import FieldChange as FieldChange
from cicd.model.resources import Gate as Gate
from cicd.model.resources import Holder as Holder
from cicd.model.resources import Kind as Kind
from cicd.model.resources import Limits as Limits
from cicd.model.resources import LiveResource as LiveResource
from cicd.model.resources import LogEntry as LogEntry
from cicd.model.resources import MetricPoint as MetricPoint
from cicd.model.resources import Options as Options
from cicd.model.resources import Outcome as Outcome
from cicd.model.resources import Plan as Plan
from cicd.model.resources import Resource as Resource
from cicd.model.resources import Result as Result
from cicd.model.resources import Role as Role
from cicd.model.resources import SmokeTest as SmokeTest
from cicd.model.resources import Stage as Stage
from cicd.model.resources import State as State
from cicd.model.resources import Status as Status
from cicd.model.resources import Track as Track
from cicd.model.resources import identity as identity
from cicd.model.resources import leaves as leaves
from cicd.model.resources import made_by as made_by
from cicd.model.resources import place_of as place_of
from cicd.model.resources import same_inputs as same_inputs
from cicd.values import Hidden as Hidden
from cicd.values import Key as Key
from cicd.values import Program as Program
from cicd.values import Ref as Ref
from cicd.values import Secret as Secret
from cicd.values import Spec as Spec
from cicd.values import opened as opened
