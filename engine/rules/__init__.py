"""Rules: expressions, orders and workflow documents, and the indexes that find who satisfies them.

Pure functions of their arguments: no I/O, no clock, nothing of the rest of the project.
"""

from engine.rules.bind import Place
from engine.rules.condition import Condition, Specialiser, condition_from_key, specialise
from engine.rules.errors import RuleError
from engine.rules.expression import Expression, parse_expression
from engine.rules.facts import ChannelFacts, WorkerFacts
from engine.rules.index import ConditionIndex, WorkerIndex
from engine.rules.order import Invalid, OrderBy, parse_order_by
from engine.rules.residual import run_residual
from engine.rules.workflow import Filter, Step, Workflow, parse_workflow, task_value

__all__ = [
    "ChannelFacts",
    "Condition",
    "ConditionIndex",
    "Expression",
    "Filter",
    "Invalid",
    "OrderBy",
    "Place",
    "RuleError",
    "Specialiser",
    "Step",
    "WorkerFacts",
    "WorkerIndex",
    "Workflow",
    "condition_from_key",
    "parse_expression",
    "parse_order_by",
    "parse_workflow",
    "run_residual",
    "specialise",
    "task_value",
]
