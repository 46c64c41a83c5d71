"""Rules: expressions, orders and workflow documents, and the indexes that find who satisfies them.

Pure functions of their arguments: no I/O, no clock, nothing of the rest of the project.
"""

from engine.rules.bind import Place
from engine.rules.condition import Condition, Specialiser, condition_from_key, identified, specialise
from engine.rules.errors import RuleError
from engine.rules.expression import Expression, parse_expression
from engine.rules.facts import ChannelFacts, WorkerFacts
from engine.rules.identity import NOBODY, Identity, Known, known_worker
from engine.rules.index import ConditionIndex, WorkerIndex
from engine.rules.order import Invalid, OrderBy, parse_order_by
from engine.rules.residual import run_residual
from engine.rules.skip import run_skip, skip_program
from engine.rules.workflow import Filter, Step, Workflow, parse_workflow, task_value

__all__ = [
    "NOBODY",
    "ChannelFacts",
    "Condition",
    "ConditionIndex",
    "Expression",
    "Filter",
    "Identity",
    "Invalid",
    "Known",
    "OrderBy",
    "Place",
    "RuleError",
    "Specialiser",
    "Step",
    "WorkerFacts",
    "WorkerIndex",
    "Workflow",
    "condition_from_key",
    "identified",
    "known_worker",
    "parse_expression",
    "parse_order_by",
    "parse_workflow",
    "run_residual",
    "run_skip",
    "skip_program",
    "specialise",
    "task_value",
]
