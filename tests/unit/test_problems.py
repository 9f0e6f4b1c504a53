"""Problems of the whole bot: reported, updated, resolved."""

from bot.runtime.problems import Problem, ReportedProblems


def test_problem_is_new_once_until_it_is_resolved() -> None:
    problems = ReportedProblems()
    assert [problems.report("clock", Problem("The clock differs")) for _ in range(2)] == [True, False]
    assert problems.resolve("clock")
    assert not problems.resolve("clock")
    assert problems.report("clock", Problem("The clock differs"))


def test_current_problems_are_a_live_view_oldest_first() -> None:
    problems = ReportedProblems()
    current = problems.current
    problems.report("b", Problem("first"))
    problems.report("a", Problem("second"))
    problems.report("b", Problem("first, updated"))
    assert list(current.items()) == [("b", Problem("first, updated")), ("a", Problem("second"))]
    problems.resolve("b")
    assert list(current) == ["a"]
