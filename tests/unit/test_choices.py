"""Where the documented behaviour leaves something open: what was chosen, and the test that holds it.

The table is complete for semantics 2 to 7: a choice without a test is one that nobody would notice being lost.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

from tests.scenarios.conforming import ELSEWHERE

ROOT: Final = Path(__file__).parents[2]

RULES: Final = "tests/unit/rules"
TYPES: Final = f"{RULES}/type_rules.txt"
EXAMPLES: Final = f"{RULES}/examples.txt"
REFUSED: Final = f"{RULES}/test_rules_examples.py::REFUSED"
PLAY: Final = "tests/scenarios"
ASSIGNMENT: Final = "tests/redis/test_assignment.py"
ENGINE: Final = f"{PLAY}/test_engine_alone.py"
EVENTS: Final = f"{PLAY}/test_engine_events.py"
WIRE: Final = "tests/clients/test_wire.py"
BAD: Final = "tests/clients/test_refusals.py::test_a_bad_value_is_refused_with_its_parameter_named"
BAD_WORKFLOW: Final = f"{RULES}/test_rules_workflow.py::BAD"


class Choice(Struct, frozen=True):
    section: str  # of the semantics
    what: str
    tests: tuple[str, ...]  # path::name; of a table, the name of one of its rows


def chosen(section: str, what: str, *tests: str) -> Choice:
    return Choice(section, what, tests)


TASKS: Final = [
    chosen("2.1", "a Task's age stands still at its end",
           "tests/clients/test_task_json.py::test_the_age_counts_while_the_task_is_open_and_stops_at_its_end"),
    chosen("2.1", "lists show attributes", f"{WIRE}::test_rows_of_a_list_are_the_resources_as_fetched"),
    chosen("2.2", "no attributes are {}", f"{ENGINE}::test_a_task_without_attributes_has_an_empty_object"),
    chosen("2.2", "attributes that are no JSON object are refused", BAD),
    chosen("2.2", "a Task that no filter takes is refused",
           f"{PLAY}/routing.py::first_matching_filter_takes_the_task_and_its_step_chooses_the_workers"),
    chosen("2.4", "pending, reserved and assigned cannot be asked for",
           f"{PLAY}/lifecycle.py::an_assigned_task_cannot_be_canceled_and_only_assigned_ones_wrap_up"),
    chosen("2.4", "a reason need not be given",
           f"{PLAY}/lifecycle.py::a_completion_without_a_reason_keeps_that_of_the_wrap_up",
           f"{PLAY}/rounds.py::a_task_given_up_takes_its_whole_round_along"),
    chosen("2.4", "status and other values together are refused",
           f"{PLAY}/lifecycle.py::an_assigned_task_cannot_be_canceled_and_only_assigned_ones_wrap_up"),
    chosen("2.5", "TTL counts from creation",
           f"{PLAY}/lifecycle.py::ttl_counts_from_creation_whatever_the_virtual_start"),
    chosen("2.5", "no TTL of 0", BAD),
    chosen("2.7", "the ETag is a quoted number, If-Match takes every spelling",
           f"{WIRE}::test_the_revision_is_a_quoted_integer_that_rises_with_each_change",
           f"{WIRE}::test_if_match_lets_the_stored_revision_pass_in_any_spelling",
           f"{WIRE}::test_if_match_star_is_no_condition_and_garbage_matches_nothing"),
    chosen("2.7", "412 has the code 20412",
           f"{WIRE}::test_if_match_lets_the_stored_revision_pass_in_any_spelling"),
    chosen("2.8", "60 s for a target whose capacity is ignored, else the TTL",
           f"{PLAY}/targets.py::a_target_that_cannot_be_reserved_for_a_minute_loses_the_task",
           f"{PLAY}/targets.py::a_target_whose_capacity_counts_is_waited_for_until_the_ttl"),
    chosen("2.8", "a target that refused is asked again after a change",
           f"{PLAY}/targets.py::a_target_that_refuses_is_left_in_peace_until_it_changes",
           f"{PLAY}/targets.py::a_target_that_refuses_is_asked_again_when_its_load_changes",
           f"{PLAY}/targets.py::a_target_that_does_not_answer_is_left_in_peace_too"),
    chosen("2.10", "two orders in time are refused", f"{ENGINE}::test_an_unknown_order_of_tasks_is_refused"),
    chosen("2.11", "new attributes of a reserved Task count later",
           f"{PLAY}/routing.py::new_attributes_of_an_offered_task_count_when_it_is_pending_again"),
]  # fmt: skip

RESERVATIONS: Final = [
    chosen("3.2", "wrapping in every multi-tasking Workspace, and in no other",
           f"{PLAY}/conforming_steps.py::n21_the_reservation_drives_the_task_to_completed_and_out_of_sight",
           f"{PLAY}/single.py::what_is_accepted_leaves_the_worker_where_it_is_when_it_ends"),
    chosen("3.3", "statuses nobody can set", f"{PLAY}/lifecycle.py::only_the_answers_of_a_worker_can_be_given"),
    chosen("3.3", "late answers", f"{PLAY}/lifecycle.py::an_answer_that_comes_too_late_is_told_so",
           f"{PLAY}/conforming.py::n09_a_worker_who_does_not_answer_goes_to_the_timeout_activity",
           f"{PLAY}/conforming.py::n10_the_first_acceptance_of_a_round_rescinds_the_other_offers"),
    chosen("3.3", "accepting twice is once",
           f"{PLAY}/conforming_steps.py::n21_the_reservation_drives_the_task_to_completed_and_out_of_sight"),
    chosen("3.4", "a rejection moves no multi-tasking Worker unless told",
           f"{PLAY}/lifecycle.py::a_rejection_leaves_the_worker_in_the_activity_it_has_meanwhile"),
    chosen("3.5", "a timeout leaves the Worker's other Reservations",
           f"{PLAY}/lifecycle.py::an_unanswered_offer_leaves_the_other_reservations_of_its_worker"),
    chosen("3.7", "a round is not topped up",
           f"{PLAY}/rounds.py::whoever_comes_later_joins_no_round_that_is_on"),
    chosen("3.7", "a rescinded Worker is restored", f"{PLAY}/single.py::a_rescinded_worker_is_back_where_it_was"),
    chosen("3.9", "the Reservation's event, then the Activity's",
           f"{EVENTS}::test_a_reservations_event_comes_before_that_of_its_workers_activity"),
    chosen("3.10", "newest first", f"{ENGINE}::test_reservations_are_listed_newest_first"),
]  # fmt: skip

WORKERS: Final = [
    chosen("4.1", "malformed attributes are refused", BAD),
    chosen("4.2", "the Activity a Worker has is no change",
           f"{PLAY}/workers.py::the_activity_a_worker_already_has_changes_nothing"),
    chosen("4.3", "an available Worker cannot reject all",
           f"{PLAY}/workers.py::an_available_worker_cannot_reject_all_that_is_pending",
           f"{PLAY}/conforming_steps.py::n22_an_unavailable_worker_keeps_its_offers_unless_told_to_reject_them"),
    chosen("4.3", "the Activity changes first",
           f"{PLAY}/workers.py::rejecting_all_that_is_pending_routes_three_tasks_to_others"),
    chosen("4.4", "multi-tasking is turned on for good",
           f"{ENGINE}::test_multi_tasking_can_be_turned_on_and_not_off"),
    chosen("4.4", "a later Task Channel has capacity 1",
           f"{ENGINE}::test_a_later_task_channel_has_one_slot_on_every_worker"),
    chosen("4.5", "capacity 0 to 50,000", f"{ENGINE}::test_capacity_goes_from_0_to_50000"),
    chosen("4.5", "0 percent of capacity 0", f"{PLAY}/workers.py::a_channel_without_capacity_is_free_by_0_percent"),
    chosen("4.5", "the same capacity is no change",
           f"{PLAY}/workers.py::the_capacity_a_channel_already_has_changes_nothing"),
    chosen("4.6", "a name that is taken is refused",
           f"{PLAY}/workers.py::worker_names_are_unique_whatever_their_case"),
    chosen("4.7", "in order of SID", f"{ENGINE}::test_workers_are_listed_by_sid"),
]  # fmt: skip

MATCHING: Final = [
    chosen("5.1", "a queue's new expression leaves Reservations",
           f"{PLAY}/restarts.py::waiting_tasks_follow_their_queue_and_reservations_stay"),
    chosen("5.3", "offline does not cost the place",
           f"{PLAY}/routing.py::being_offline_for_a_while_does_not_cost_the_place_in_line"),
    chosen("5.3", "ties by SID", f"{PLAY}/conforming.py::n05_second_task_goes_to_the_worker_not_reserved_before"),
    chosen("5.4", "all FIFO queues of a Worker together",
           f"{PLAY}/routing.py::tasks_of_several_queues_are_compared_together"),
    chosen("5.4", "ties by order of creation",
           f"{PLAY}/conforming.py::n04_all_lifo_tasks_come_first_where_the_workspace_prefers_them"),
    chosen("5.6", "MaxReservedWorkers counts from the next round",
           f"{PLAY}/rounds.py::more_reserved_workers_count_from_the_next_round_on"),
    chosen("5.7", "the same queue again is no move",
           f"{PLAY}/steps.py::a_priority_stays_until_a_step_or_a_client_sets_another",
           f"{PLAY}/steps.py::a_task_may_skip_through_steps_and_filters_to_the_default_and_stays_there",
           f"{EVENTS}::test_only_another_queue_is_a_move"),
]  # fmt: skip

WORKFLOWS: Final = [
    chosen("6.1", "unknown keys are kept", f"{RULES}/test_rules_workflow.py::GOOD::unknown keys"),
    chosen("6.1", "the document comes back byte for byte",
           "tests/clients/test_twilio_client.py::test_a_workflow_keeps_its_document_as_it_came"),
    chosen("6.2", "canceled where no filter takes it any more",
           f"{PLAY}/restarts.py::a_task_that_no_filter_takes_any_more_is_canceled",
           f"{EVENTS}::test_a_task_that_no_filter_takes_any_more_times_out_of_its_workflow"),
    chosen("6.5", "in its step while its age is below the deadline",
           f"{PLAY}/steps.py::a_task_rejected_inside_its_step_tries_the_others_of_the_step"),
    chosen("6.5", "skipped steps count",
           f"{PLAY}/steps.py::skipped_steps_count_with_their_timeouts_and_those_without_count_nothing"),
    chosen("6.5", "another filter counts from its entry",
           f"{PLAY}/steps.py::the_next_filter_that_matches_counts_from_when_it_was_entered"),
    chosen("6.6", "not both known Workers", f"{BAD_WORKFLOW}::both known workers"),
    chosen("6.7", "ASC unless said", f"{RULES}/test_rules_order.py::test_orders_written_alike_share_a_key"),
    chosen("6.7", "a clause that meets a text is left out for all",
           f"{PLAY}/routing.py::an_order_by_clause_that_meets_a_text_is_ignored_for_all",
           f"{RULES}/test_rules_order.py::test_ignored_clauses_are_left_out_and_the_rest_keeps_its_width"),
    chosen("6.8", "skip_if is looked at again",
           f"{PLAY}/counts.py::a_waiting_task_skips_when_the_last_available_worker_leaves",
           f"{PLAY}/counts.py::an_offered_task_skips_only_when_it_is_pending_again"),
    chosen("6.8", "what is unknown counts 0", f"{PLAY}/counts.py::an_unknown_count_is_0",
           f"{PLAY}/counts.py::the_count_of_an_unknown_activity_is_0", f"{TYPES}::counts-unknown"),
    chosen("6.9", "reserved Tasks start anew later",
           f"{PLAY}/restarts.py::an_offered_task_starts_anew_when_it_is_pending_again"),
    chosen("6.9", "starting anew resets the base of the steps",
           f"{PLAY}/restarts.py::new_attributes_start_the_first_step_and_its_time_anew"),
]  # fmt: skip

EXPRESSIONS: Final = [
    chosen("7.1", "a prefix is stripped where no attribute has its name",
           f"{TYPES}::natural-prefix-is-stripped", f"{TYPES}::literal-key-wins-over-prefix"),
    chosen("7.2", "literals in any case", f"{TYPES}::keywords-any-case"),
    chosen("7.2", "<> is !=", f"{EXAMPLES}::75"),
    chosen("7.2", "prefix NOT", f"{EXAMPLES}::74", f"{TYPES}::not-binds-tighter"),
    chosen("7.2", "a hyphen outside a string is refused", f"{EXAMPLES}::76", f"{REFUSED}::skill-level > 5"),
    chosen("7.2", "negative numbers", f"{TYPES}::numbers-negative", f"{REFUSED}::level > - 5"),
    chosen("7.2", "escapes in strings", f"{TYPES}::escapes", f"{TYPES}::double-quotes"),
    chosen("7.2", "a reference alone is refused", f"{EXAMPLES}::78"),
    chosen("7.2", "AND before OR", f"{EXAMPLES}::61", f"{TYPES}::and-or-precedence"),
    chosen("7.2", "4,096 characters", f"{RULES}/test_rules_hostile.py::test_short_places_take_4096_characters"),
    chosen("7.4", "NULL asks whether there is a value", f"{EXAMPLES}::68", f"{TYPES}::array-with-null-ne"),
    chosen("7.4", "number with number", f"{TYPES}::numbers-equal-int-float"),
    chosen("7.4", "number with a text of digits", f"{TYPES}::number-text-equal", f"{TYPES}::number-text-ordered"),
    chosen("7.4", "number with other text", f"{TYPES}::number-other-text-ne", f"{TYPES}::number-other-text-lt"),
    chosen("7.4", "text with text", f"{TYPES}::texts-equal-case", f"{TYPES}::texts-of-numbers-ordered"),
    chosen("7.4", "boolean with boolean", f"{TYPES}::booleans-equal", f"{TYPES}::booleans-ordered"),
    chosen("7.4", "boolean with others", f"{TYPES}::boolean-number-eq", f"{TYPES}::boolean-text-ne"),
    chosen("7.4", "NULL with NULL", f"{TYPES}::null-null-eq", f"{TYPES}::null-null-ge"),
    chosen("7.4", "NULL with others", f"{TYPES}::null-text-eq", f"{TYPES}::null-number-lt"),
    chosen("7.4", "objects", f"{TYPES}::object-ne-null", f"{TYPES}::object-eq-object"),
    chosen("7.4", "CONTAINS with numbers", f"{TYPES}::contains-number-left", f"{TYPES}::contains-boolean"),
    chosen("7.4", "CONTAINS with an empty text", f"{TYPES}::contains-empty"),
    chosen("7.4", "elements of arrays", f"{TYPES}::in-coerced", f"{TYPES}::has-nested-array"),
    chosen("7.4", "NOT IN and NULL", f"{TYPES}::not-in-missing-left-null", f"{TYPES}::not-in-missing-right"),
    chosen("7.4", "nothing raises", f"{TYPES}::key-below-text", f"{TYPES}::index-into-text"),
    chosen("7.5", "a special key wins", f"{TYPES}::special-key-wins-over-attribute"),
    chosen("7.5", "special keys in TargetWorkers", f"{TYPES}::special-key-in-target-workers",
           f"{PLAY}/routing.py::a_queue_by_activity_follows_its_workers"),
    chosen("7.5", "no load in TargetWorkers", f"{TYPES}::channel-is-null-in-target-workers"),
    chosen("7.9", "hyphens in strings", f"{TYPES}::hyphen-in-string"),
]  # fmt: skip

LOG: Final = "tests/redis/test_event_log.py"
EVENTS_OF_9: Final = [
    chosen("9.1", "an unknown type in the filter is refused",
           "tests/redis/test_config_workspaces.py::test_a_bad_value_stops_a_creation"),
    chosen("9.5", "a start wins over minutes", f"{LOG}::test_a_start_wins_over_minutes_and_both_ends_are_included"),
    chosen("9.5", "newest first, ties by SID", f"{LOG}::test_pages_follow_each_other_without_gaps_and_repeats"),
    chosen("9.5", "attributes of Tasks go after 30 days",
           f"{LOG}::test_attributes_of_tasks_are_not_shown_after_30_days"),
]  # fmt: skip

CALLBACKS: Final = [
    chosen("3.4", "an invalid Activity in a callback's answer is reported",
           f"{ASSIGNMENT}::test_an_answer_has_one_effect"),
    chosen("8.1", "the captured parameters and Timestamp",
           f"{ASSIGNMENT}::test_a_callback_says_what_the_original_says",
           "tests/clients/test_callbacks_wire.py::test_an_application_accepts_by_its_answer"),
    chosen("8.2", "an unknown instruction leaves the Reservation", f"{ASSIGNMENT}::test_an_answer_has_one_effect"),
    chosen("8.2", "a growing delay of at most 30 s",
           f"{PLAY}/callbacks.py::n23_a_task_whose_callbacks_fail_is_routed_again_after_a_delay",
           f"{PLAY}/callbacks.py::the_delay_doubles_with_every_failure_in_a_row_up_to_half_a_minute"),
    chosen("8.2", "the fallback gets ErrorCode and ErrorUrl",
           f"{ASSIGNMENT}::test_the_fallback_is_told_what_was_wrong_and_may_decide"),
    chosen("8.2", "redirects are failures",
           "tests/clients/test_callback_client.py::test_redirects_are_not_followed"),
    chosen("8.2", "a late answer is ignored",
           f"{ASSIGNMENT}::test_an_answer_that_comes_too_late_changes_nothing"),
    chosen("9.1", "in order, and not repeated",
           "tests/redis/test_callback_relays.py::"
           "test_events_of_one_task_or_worker_go_in_order_and_hold_up_no_others",
           "tests/redis/test_callback_relays.py::test_an_event_that_is_not_taken_is_not_told_again"),
]  # fmt: skip

# Choices that nothing shows yet, and why.
UNSEEN: Final = {
    ("7.6", "data of add-ons"): "no add-on gives a Task data",
}

CHOICES: Final = [
    *TASKS, *RESERVATIONS, *WORKERS, *MATCHING, *WORKFLOWS, *EXPRESSIONS, *CALLBACKS, *EVENTS_OF_9,
]  # fmt: skip
NAMED: Final = sorted({test for choice in CHOICES for test in choice.tests})
LISTED: Final = sorted({test for tests in ELSEWHERE.values() for test in tests})


@cache
def names(path: str) -> set[str]:
    """What a file defines at its top: functions, and of its tables also their rows as `table::row`."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".txt"):
        return {line.split(" | ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            rows = [row.elts[0] for row in node.value.elts if isinstance(row, ast.Tuple)]
            texts = [row.value for row in rows if isinstance(row, ast.Constant)]
            found |= {f"{ast.unparse(target)}::{text}" for text in texts if isinstance(text, str)}
    return found


@pytest.mark.parametrize("test", [*NAMED, *LISTED])
def test_the_named_test_exists(test: str) -> None:
    path, name = test.split("::", 1)
    assert name in names(path)


def test_every_number_of_the_acceptance_list_has_its_place() -> None:
    scenarios = {
        name
        for path in ("callbacks.py", "conforming.py", "conforming_steps.py")
        for name in names(f"{PLAY}/{path}")
    }
    played = {int(name[1:3]) for name in scenarios if name[0] == "n" and name[1:3].isdigit()}
    assert played | set(ELSEWHERE) == set(range(1, 26))
    assert not played & set(ELSEWHERE)


def test_no_choice_is_listed_twice() -> None:
    rows = [(choice.section, choice.what) for choice in CHOICES]
    assert len(set(rows) | set(UNSEEN)) == len(rows) + len(UNSEEN)
